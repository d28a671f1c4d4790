/** The studio: a realistic run under each holding rule, with restarts of workers, what the providers saw of it, and a picture. */
@NullMarked
package dev.interlock.samples.studio;

import org.jspecify.annotations.NullMarked;
