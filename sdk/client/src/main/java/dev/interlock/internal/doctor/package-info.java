/** What is looked for in an inspection, and what mends it; not part of the public API. */
@NullMarked
package dev.interlock.internal.doctor;

import org.jspecify.annotations.NullMarked;
