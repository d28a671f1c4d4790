/** The coordinator and the worker over HTTP, through their public surface. */
@NullMarked
package dev.interlock.it.worker;

import org.jspecify.annotations.NullMarked;
