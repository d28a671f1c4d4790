/** The quickstart: three worker processes, a provider that counts, and a live view. */
@NullMarked
package dev.interlock.samples.quickstart;

import org.jspecify.annotations.NullMarked;
