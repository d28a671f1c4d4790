/** The documentation keeps its word: what it shows compiles and runs. */
@org.jspecify.annotations.NullMarked
package dev.interlock.it.docs;
