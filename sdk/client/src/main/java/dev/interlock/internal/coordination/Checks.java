package dev.interlock.internal.coordination;

import dev.interlock.Holding;
import dev.interlock.InvalidRequestException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What a request must be, with the database's own codes, so that a mistake reads the same wherever it is found. */
public final class Checks {
    static final int MAX_NAME = 200;
    static final int MAX_MODELS = 64;
    static final int MAX_BATCH = 1000;
    private static final int MAX_REASON = 2000;
    private static final int MAX_NOTE = 500;

    private Checks() {}

    /** A value that must be there, whatever the caller's own null checks say. */
    public static <T> T required(String what, @Nullable T value) {
        if (value == null) {
            throw refuse("JQ007", what + " is null.", null);
        }
        return value;
    }

    public static String jobId(@Nullable String id) {
        return name("JQ001", "The job id", id);
    }

    public static String handler(@Nullable String name) {
        return name("JQ003", "The handler", name);
    }

    public static String workerId(@Nullable String id) {
        return name("JQ007", "The worker id", id);
    }

    public static String model(@Nullable String name) {
        return name("JQ002", "The model name", name == null ? null : name.strip());
    }

    /** Model names, trimmed, in the order given and without duplicates; may be empty. */
    public static List<String> modelNames(@Nullable Collection<String> names) {
        if (names == null) {
            throw refuse("JQ002", "The models are null.", "Give the names of the models that the job needs.");
        }
        // Counted before they are copied: a list of millions is refused as fast as a short one.
        if (names.size() > MAX_BATCH) {
            throw tooManyModels(names.size());
        }
        Set<String> distinct = new LinkedHashSet<>();
        for (String name : names) {
            distinct.add(model(name));
        }
        return List.copyOf(distinct);
    }

    /** The models of a job: some, or none and said so. */
    public static List<String> models(List<String> names, boolean unrestricted) {
        if (names.isEmpty() && !unrestricted) {
            throw refuse(
                    "JQ002",
                    "The job names no model.",
                    "Name the models that it needs; a job that truly needs none says so with unrestricted().");
        }
        if (!names.isEmpty() && unrestricted) {
            throw refuse("JQ002", "The job names models and is unrestricted.", "Leave out one of the two.");
        }
        if (names.size() > MAX_MODELS) {
            throw tooManyModels(names.size());
        }
        return names;
    }

    /** The models that a worker can run; not a job's, so there may be many. */
    public static List<String> modelFilter(@Nullable Collection<String> names) {
        return batch("models", modelNames(names));
    }

    public static List<String> handlers(@Nullable Collection<String> names) {
        List<String> checked = new ArrayList<>();
        for (String name : required("The list of handlers", names)) {
            checked.add(handler(name));
        }
        return batch("handlers", checked);
    }

    /** A list for one call: at most 1,000 elements. */
    public static <T> List<T> batch(String what, List<T> elements) {
        if (elements.size() > MAX_BATCH) {
            throw refuse(
                    "JQ007",
                    elements.size() + " " + what + " in one call are too many.",
                    "Send at most 1,000 at once.");
        }
        return List.copyOf(elements);
    }

    public static int priority(int level) {
        return range("The priority", level, -100, 100);
    }

    public static int maxAttempts(int attempts) {
        return range("The number of attempts", attempts, 1, 100);
    }

    public static int maxJobs(int jobs) {
        return range("The number of jobs to claim", jobs, 1, MAX_BATCH);
    }

    public static int capacity(int capacity) {
        return range("The capacity", capacity, 0, 10_000);
    }

    public static int progress(int percent) {
        return range("The progress in per cent", percent, 0, 100);
    }

    public static int range(String what, int value, int low, int high) {
        if (value < low || value > high) {
            throw refuse("JQ007", what + " is " + value + ".", "Give " + low + " to " + high + ".");
        }
        return value;
    }

    public static Duration lease(@Nullable Duration lease) {
        if (lease == null || lease.compareTo(Duration.ofSeconds(1)) < 0 || lease.compareTo(Duration.ofHours(1)) > 0) {
            throw refuse("JQ004", "The lease time is " + lease + ".", "Give 1 second to 1 hour.");
        }
        return lease;
    }

    public static Holding holding(@Nullable Holding rule) {
        if (rule == null || rule == Holding.UNKNOWN) {
            throw refuse("JQ007", "The holding rule is " + rule + ".", "Use WHOLE_RUN, RELEASE_AS_USED or PER_STEP.");
        }
        return rule;
    }

    /** The number of a step, from 0. */
    public static int step(int number) {
        return range("The step", number, 0, 99);
    }

    /** How long something is waited for: 1 second to 365 days. */
    public static Duration bound(@Nullable Duration bound) {
        if (bound == null || bound.compareTo(Duration.ofSeconds(1)) < 0 || bound.compareTo(Duration.ofDays(365)) > 0) {
            throw refuse("JQ007", "The bound of the wait is " + bound + ".", "Give 1 second to 365 days.");
        }
        return bound;
    }

    /** How far back to look: more than zero, at most as long as a log can be kept. */
    public static Duration lookBack(@Nullable Duration time) {
        Duration longest = Duration.ofDays(3650);
        if (time == null || time.isNegative() || time.isZero() || time.compareTo(longest) > 0) {
            throw refuse("JQ007", "The time to look back is " + time + ".", "Give more than zero, up to 3,650 days.");
        }
        return time;
    }

    public static Duration retryDelay(@Nullable Duration delay) {
        seconds("The delay of the retry", delay, Duration.ofDays(365));
        return required("The delay of the retry", delay);
    }

    /** A duration from zero to a maximum, in seconds as the database takes them. */
    public static double seconds(String what, @Nullable Duration duration, Duration max) {
        if (duration == null || duration.isNegative() || duration.compareTo(max) > 0) {
            throw refuse("JQ007", what + " is " + duration + ".", "Give zero to " + max.toSeconds() + " seconds.");
        }
        return seconds(duration);
    }

    static double seconds(Duration duration) {
        return duration.toMillis() / 1000.0;
    }

    /** A reason for a person; long ones are cut, so that a whole page of a provider's HTML does no harm. */
    public static String reason(@Nullable String reason) {
        return text("The reason", reason, MAX_REASON);
    }

    /** A note about a job's progress; long ones are cut. */
    public static String note(@Nullable String note) {
        return text("The note", note, MAX_NOTE);
    }

    private static String text(String what, @Nullable String text, int max) {
        // PostgreSQL holds no NUL in text.
        String clean = required(what, text).replace('\0', ' ');
        if (clean.length() <= max) {
            return clean;
        }
        int end = Character.isHighSurrogate(clean.charAt(max - 2)) ? max - 2 : max - 1;
        return clean.substring(0, end) + "…";
    }

    private static String name(String code, String what, @Nullable String name) {
        if (name == null || name.isBlank()) {
            throw refuse(code, what + " is " + (name == null ? "null" : "blank") + ".", "Give 1 to 200 characters.");
        }
        int length = name.codePointCount(0, name.length());
        if (length > MAX_NAME) {
            throw refuse(code, what + " has " + length + " characters.", "Give 1 to 200 characters.");
        }
        if (name.indexOf('\0') >= 0) {
            throw refuse(code, what + " holds a NUL character.", "PostgreSQL cannot store it; leave it out.");
        }
        return name;
    }

    private static InvalidRequestException tooManyModels(int count) {
        return refuse("JQ002", "The job names " + count + " models.", "A job may need at most " + MAX_MODELS + ".");
    }

    static InvalidRequestException refuse(String code, String message, @Nullable String hint) {
        return new InvalidRequestException(code, message, hint, null);
    }
}
