package dev.interlock;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * An object of the SQL that is not as this version of Interlock installs it.
 *
 * @param object its kind and name, for example {@code index job_queue_log.idx_queue_log_job} or {@code access to table job_queue_log: anon}
 * @param expected how it should be, as {@code job_queue_inspect} describes it; null when it should not be there
 * @param found how it is; null when it is not there
 */
public record Difference(
        String object, @Nullable String expected, @Nullable String found) {

    /** What it is a difference of: {@code version}, {@code migration}, {@code table}, {@code column}, {@code function}, {@code access}, … */
    public String kind() {
        return object.startsWith("row level security")
                ? "row level security"
                : object.split(" ", 2)[0].toLowerCase(Locale.ROOT);
    }

    /** The name of the object, without its kind. */
    public String name() {
        return switch (kind()) {
            case "row level security" -> object.substring("row level security of ".length());
            case "access" -> object.substring("access to ".length(), object.lastIndexOf(": "));
            default -> object.substring(Math.min(object.length(), kind().length() + 1));
        };
    }

    /** The difference in a sentence, without its full stop: {@code role anon has select on table job_queue_log}. */
    public String line() {
        return switch (kind()) {
            case "version" ->
                found == null ? "no version is installed" : "version " + found + " is installed, this is " + expected;
            case "migration" -> name() + (found == null ? " was not applied" : " was applied with another text");
            case "row level security" -> "row level security is off on " + name();
            case "access" -> {
                String role = object.substring(object.lastIndexOf(": ") + 2);
                if (expected == null) {
                    yield "role " + role + " has " + found + " on " + name();
                }
                yield "role " + role
                        + (found == null ? " lacks " + expected : " has only " + found + ", not " + expected)
                        + " on " + name();
            }
            default -> {
                if (found == null) {
                    yield object + " is missing";
                }
                if (expected == null) {
                    yield object + " is none of this version's";
                }
                yield object
                        + (kind().equals("function") || kind().equals("trigger")
                                ? found.startsWith("disabled: ") ? " is disabled" : " was changed"
                                : " is \"" + found + "\", not \"" + expected + "\"");
            }
        };
    }
}
