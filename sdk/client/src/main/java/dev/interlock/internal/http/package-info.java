/** Sending requests, judging answers, retrying; not part of the public API. */
@NullMarked
package dev.interlock.internal.http;

import org.jspecify.annotations.NullMarked;
