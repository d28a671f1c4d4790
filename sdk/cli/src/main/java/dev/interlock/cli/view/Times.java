package dev.interlock.cli.view;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Times as a person reads them: how long, and when by the clock on the wall. */
public final class Times {

    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT);

    private Times() {}

    /** In its two largest units: {@code 0.4s}, {@code 12s}, {@code 3m 05s}, {@code 2h 10m}, {@code 4d 02h}. */
    public static String length(Duration time) {
        if (time.isNegative()) {
            return "-" + length(time.negated());
        }
        long seconds = time.toSeconds();
        if (seconds < 10) {
            return String.format(Locale.ROOT, "%.1fs", time.toMillis() / 1000.0);
        }
        if (seconds < 60) {
            return seconds + "s";
        }
        if (seconds < 3600) {
            return String.format(Locale.ROOT, "%dm %02ds", seconds / 60, seconds % 60);
        }
        if (seconds < 86_400) {
            return String.format(Locale.ROOT, "%dh %02dm", seconds / 3600, seconds / 60 % 60);
        }
        return String.format(Locale.ROOT, "%dd %02dh", seconds / 86_400, seconds / 3600 % 24);
    }

    /** {@link #length} of a number of seconds. */
    public static String seconds(double seconds) {
        return length(Duration.ofMillis(Math.round(seconds * 1000)));
    }

    /** In the zone of whoever looks. */
    public static String at(Instant time, ZoneId zone) {
        return CLOCK.format(time.atZone(zone));
    }
}
