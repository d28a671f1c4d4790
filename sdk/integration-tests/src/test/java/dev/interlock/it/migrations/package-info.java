/** Installing, again and again, and undoing. */
package dev.interlock.it.migrations;
