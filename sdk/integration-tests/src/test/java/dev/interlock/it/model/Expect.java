package dev.interlock.it.model;

import java.util.Set;

/** What the model expects of an answer where it cannot know, or the contract does not say, the exact value. */
sealed interface Expect {

    /** A time that the server wrote during the call, or knew before, on the history's own clock. */
    record At(long micros) implements Expect {}

    /** One of these; null where there is none, or where null is as true. */
    record OneOf(Set<String> values, boolean orNull) implements Expect {}

    /** Anything but null. */
    record Something() implements Expect {}

    /** Anything. */
    record Whatever() implements Expect {}

    /** Word for word what was answered to this request before. */
    record FirstAnswer(String requestId) implements Expect {}
}
