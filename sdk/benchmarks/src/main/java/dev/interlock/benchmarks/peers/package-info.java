/** What people would pick instead, on the same database in the same run. */
@NullMarked
package dev.interlock.benchmarks.peers;

import org.jspecify.annotations.NullMarked;
