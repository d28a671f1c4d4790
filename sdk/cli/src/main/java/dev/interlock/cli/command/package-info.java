/** One class for each command. */
@org.jspecify.annotations.NullMarked
package dev.interlock.cli.command;
