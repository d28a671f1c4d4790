/** The client's own verbs against a real PostgREST. */
@NullMarked
package dev.interlock.it.client;

import org.jspecify.annotations.NullMarked;
