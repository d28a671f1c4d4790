/** Workflows over HTTP: steps, checkpoints, holding rules, failures and callbacks. */
@NullMarked
package dev.interlock.it.workflow;

import org.jspecify.annotations.NullMarked;
