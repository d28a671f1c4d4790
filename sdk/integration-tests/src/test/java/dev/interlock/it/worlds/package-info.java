/** The protocol of the SQL functions as small programs of atomic steps, and an explorer of all their interleavings. docs/design/small-worlds.md */
@NullMarked
package dev.interlock.it.worlds;

import org.jspecify.annotations.NullMarked;
