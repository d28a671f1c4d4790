/** A million grants under everything at once, watched from outside: {@code ./sdk/integration-tests/long-run}, and a short one in every build. */
@NullMarked
package dev.interlock.it.longrun;

import org.jspecify.annotations.NullMarked;
