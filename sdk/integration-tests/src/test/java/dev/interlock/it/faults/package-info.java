/** Faults of every kind under a fleet of worker processes, judged by a witness outside the coordinator. */
@NullMarked
package dev.interlock.it.faults;

import org.jspecify.annotations.NullMarked;
