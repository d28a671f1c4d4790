/** The design's rules told once more in plain Java, and random histories that both it and the SQL must tell alike. */
@NullMarked
package dev.interlock.it.model;

import org.jspecify.annotations.NullMarked;
