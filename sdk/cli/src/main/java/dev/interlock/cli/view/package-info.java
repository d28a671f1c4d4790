/** What commands draw: tables, times, colours. */
@org.jspecify.annotations.NullMarked
package dev.interlock.cli.view;
