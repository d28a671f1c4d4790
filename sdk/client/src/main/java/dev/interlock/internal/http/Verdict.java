package dev.interlock.internal.http;

import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The retry table: what an error says about whether the request was carried out. Decided by code first and by status only where there is none.
 *
 * <table>
 * <caption>Errors</caption>
 * <tr><td>429; PGRST000, 002, 003, 303</td><td>surely not executed</td></tr>
 * <tr><td>40001, 40P01, 55P03, 57014, 57P01-3, 53xxx, 08xxx</td><td>rolled back</td></tr>
 * <tr><td>PGRST001; an empty code; 408, 425, 502, 503, 504, 520-524, 544 without a code</td><td>unknown</td></tr>
 * <tr><td>PGRST202, 204, 205, 42P01, 42883, 42703, 3F000</td><td>the schema lacks something</td></tr>
 * <tr><td>all else</td><td>final</td></tr>
 * </table>
 */
public enum Verdict {
    /** Nothing was executed, or it was rolled back: any call may be sent again. */
    NOT_EXECUTED,
    /** It may have been executed: only calls that may be repeated are sent again. */
    UNKNOWN,
    /** A table, column or function is missing, or PostgREST does not know it yet. */
    SCHEMA,
    /** It will not get better by itself. */
    FINAL;

    private static final Set<String> NOT_EXECUTED_CODES = Set.of(
            "PGRST000",
            "PGRST002",
            "PGRST003",
            "PGRST303",
            "40001",
            "40P01",
            "55P03",
            "57014",
            "57P01",
            "57P02",
            "57P03");
    private static final Set<String> SCHEMA_CODES =
            Set.of("PGRST202", "PGRST204", "PGRST205", "42P01", "42883", "42703", "3F000");
    /** Gateways have codes of their own, which say nothing of what the database did: those are judged by status. */
    private static final Pattern KNOWN = Pattern.compile("PGRST[0-9X]{3}|[0-9A-Z]{5}");

    private static final Set<Integer> GATEWAY = Set.of(408, 425, 502, 503, 504, 520, 521, 522, 523, 524, 544);

    static Verdict of(int status, @Nullable String code) {
        if (status == 429) {
            return NOT_EXECUTED;
        }
        if (code != null && KNOWN.matcher(code).matches()) {
            if (NOT_EXECUTED_CODES.contains(code) || code.startsWith("53") || code.startsWith("08")) {
                return NOT_EXECUTED;
            }
            if (SCHEMA_CODES.contains(code)) {
                return SCHEMA;
            }
            return code.equals("PGRST001") ? UNKNOWN : FINAL;
        }
        if (code != null && code.isEmpty()) {
            // PostgREST, whatever the status (a 400), when its connection to the database broke in the middle of the
            // call.
            return UNKNOWN;
        }
        return GATEWAY.contains(status) ? UNKNOWN : FINAL;
    }

    /** A statement that ran into its timeout once may have met a busy moment; twice, it is too slow. */
    static int attempts(@Nullable String code, int allowed) {
        return "57014".equals(code) ? Math.min(allowed, 2) : allowed;
    }
}
