/** Small programs, one idea each. */
@NullMarked
package dev.interlock.samples;

import org.jspecify.annotations.NullMarked;
