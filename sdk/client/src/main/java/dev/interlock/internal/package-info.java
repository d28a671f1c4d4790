/** Not API: may change with every release. */
@org.jspecify.annotations.NullMarked
package dev.interlock.internal;
