/** The worker's inside. Not an API: it changes without notice. */
@NullMarked
package dev.interlock.internal.worker;

import org.jspecify.annotations.NullMarked;
