/** The command {@code interlock}: how it starts, connects, prints and ends. The commands are in {@code command}, what they draw in {@code view}. */
@org.jspecify.annotations.NullMarked
package dev.interlock.cli;
