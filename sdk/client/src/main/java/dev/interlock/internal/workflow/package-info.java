/** How a worker runs workflows. Not an API: it changes without notice. */
@NullMarked
package dev.interlock.internal.workflow;

import org.jspecify.annotations.NullMarked;
