/** The migration files and what is known of a database; not part of the public API. */
@NullMarked
package dev.interlock.internal.migrate;

import org.jspecify.annotations.NullMarked;
