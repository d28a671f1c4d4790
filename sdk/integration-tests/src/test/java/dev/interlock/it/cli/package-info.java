/** The command line against the real stack. */
@org.jspecify.annotations.NullMarked
package dev.interlock.it.cli;
