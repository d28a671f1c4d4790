/** How the local stack is put together; not part of the public API. */
@NullMarked
package dev.interlock.testing.internal;

import org.jspecify.annotations.NullMarked;
