/** A local Supabase for tests and samples. */
@NullMarked
package dev.interlock.testing;

import org.jspecify.annotations.NullMarked;
