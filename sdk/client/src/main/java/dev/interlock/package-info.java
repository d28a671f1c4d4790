/** Interlock: coordinates jobs on Supabase so that jobs that need the same model never collide. */
@NullMarked
package dev.interlock;

import org.jspecify.annotations.NullMarked;
