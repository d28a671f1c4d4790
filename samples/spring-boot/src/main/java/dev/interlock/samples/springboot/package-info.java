/** A Spring Boot application that takes jobs over HTTP and runs them with a worker of its own. */
@NullMarked
package dev.interlock.samples.springboot;

import org.jspecify.annotations.NullMarked;
