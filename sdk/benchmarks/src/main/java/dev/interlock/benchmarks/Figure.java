package dev.interlock.benchmarks;

import org.jspecify.annotations.Nullable;

/**
 * One line of the report.
 *
 * @param group the case it belongs to
 * @param what what was measured
 * @param unit of value and floor
 * @param value the median over the rounds
 * @param against what it is compared with; null where it stands alone
 * @param floor the median of that
 * @param ratio the median of the rounds' value over floor
 * @param lowest the least of these ratios
 * @param highest the greatest
 * @param target what is aimed at
 * @param met whether it is; null where there is no target
 */
public record Figure(
        String group,
        String what,
        String unit,
        double value,
        @Nullable String against,
        double floor,
        double ratio,
        double lowest,
        double highest,
        @Nullable String target,
        @Nullable Boolean met) {

    /** A value that stands alone. */
    public static Figure alone(String group, String what, String unit, Rounds value) {
        return new Figure(group, what, unit, value.median(), null, 0, 0, value.least(), value.most(), null, null);
    }

    /** A value beside what it is compared with. */
    public static Figure beside(String group, String what, String unit, Rounds value, String against, Rounds floor) {
        Rounds ratio = value.over(floor);
        return new Figure(
                group,
                what,
                unit,
                value.median(),
                against,
                floor.median(),
                ratio.median(),
                ratio.least(),
                ratio.most(),
                null,
                null);
    }

    /** The same, with the ratio that is to be reached or passed. */
    public Figure atLeast(double bound) {
        return target("≥ " + plain(bound), ratio >= bound);
    }

    /** The same, with the ratio that is not to be passed. */
    public Figure atMost(double bound) {
        return target("≤ " + plain(bound), ratio <= bound);
    }

    /** The same, with a target in words. */
    public Figure target(String words, boolean reached) {
        return new Figure(group, what, unit, value, against, floor, ratio, lowest, highest, words, reached);
    }

    private static String plain(double bound) {
        return bound == Math.rint(bound) ? Long.toString((long) bound) : Double.toString(bound);
    }
}
