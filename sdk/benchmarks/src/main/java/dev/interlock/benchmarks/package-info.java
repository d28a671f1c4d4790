/** Measures the coordinator beside the floor that the same machine sets in the same run: {@code ./sdk/benchmarks/bench short}. */
@NullMarked
package dev.interlock.benchmarks;

import org.jspecify.annotations.NullMarked;
