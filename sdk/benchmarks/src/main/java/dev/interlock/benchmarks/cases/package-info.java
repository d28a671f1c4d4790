/** What is measured, a case each. */
@NullMarked
package dev.interlock.benchmarks.cases;

import org.jspecify.annotations.NullMarked;
