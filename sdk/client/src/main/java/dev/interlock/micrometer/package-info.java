/** What a worker does, as meters of Micrometer. It alone needs {@code io.micrometer:micrometer-core}, which is an optional dependency. */
@NullMarked
package dev.interlock.micrometer;

import org.jspecify.annotations.NullMarked;
