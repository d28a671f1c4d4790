/** How the coordinator's calls are checked, written and read. Not an API: it changes without notice. */
@NullMarked
package dev.interlock.internal.coordination;

import org.jspecify.annotations.NullMarked;
