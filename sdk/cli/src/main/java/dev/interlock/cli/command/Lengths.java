package dev.interlock.cli.command;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Times as they are given: {@code 90s}, {@code 1h30m}, {@code 2026-11-24T18:00}. */
final class Lengths implements ITypeConverter<Duration> {

    private static final Pattern PARTS = Pattern.compile("(?:[0-9]{1,9}[smhdw])+");
    private static final Pattern PART = Pattern.compile("([0-9]+)([smhdw])");

    @Override
    public Duration convert(String text) {
        if (!PARTS.matcher(text).matches()) {
            throw new TypeConversionException(
                    "\"" + text + "\" is no length of time; give for example 90s, 10m, 1h30m, 7d");
        }
        Duration sum = Duration.ZERO;
        Matcher part = PART.matcher(text);
        while (part.find()) {
            long number = Long.parseLong(part.group(1));
            sum = sum.plus(
                    switch (part.group(2)) {
                        case "s" -> Duration.ofSeconds(number);
                        case "m" -> Duration.ofMinutes(number);
                        case "h" -> Duration.ofHours(number);
                        case "d" -> Duration.ofDays(number);
                        default -> Duration.ofDays(7 * number);
                    });
        }
        return sum;
    }

    /** A moment: so long ago, or a time, in this machine's zone where it names none. */
    static final class Moments implements ITypeConverter<Instant> {

        @Override
        public Instant convert(String text) {
            if (PARTS.matcher(text).matches()) {
                try {
                    return Instant.now().minus(new Lengths().convert(text));
                } catch (DateTimeException | ArithmeticException e) {
                    throw new TypeConversionException("\"" + text + "\" is longer ago than there is a calendar for");
                }
            }
            String time = text.strip().replace(' ', 'T').toUpperCase(Locale.ROOT);
            ZoneId here = ZoneId.systemDefault();
            try {
                if (!time.contains("T")) {
                    return LocalDate.parse(time).atStartOfDay(here).toInstant();
                }
                int zone =
                        Math.max(time.indexOf('Z'), Math.max(time.indexOf('+'), time.indexOf('-', time.indexOf('T'))));
                return zone > 0
                        ? OffsetDateTime.parse(time).toInstant()
                        : LocalDateTime.parse(time).atZone(here).toInstant();
            } catch (DateTimeException e) {
                throw new TypeConversionException("\"" + text
                        + "\" is no time; give how long ago (90s, 2h, 7d) or for example 2026-11-24, 2026-11-24T18:00 or"
                        + " 2026-11-24T18:00:00Z");
            }
        }
    }
}
