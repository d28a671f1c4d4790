package dev.interlock.internal.doctor;

import dev.interlock.Finding;
import dev.interlock.Finding.Severity;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A finding, and what mends it.
 *
 * @param finding what is told
 * @param remedy the SQL that {@code fix} executes, all of it or nothing; null when it is left to a person
 * @param did what is said when it was executed
 */
public record Diagnosis(Finding finding, @Nullable String remedy, String did) {

    /** The remedy that needs no exec_sql: the housekeeping, which is a function of its own. */
    public static final String SWEEP = "select public.job_queue_sweep();";

    private static final int NAMED = 5;

    static Diagnosis error(String id, String what, String why, String todo) {
        return of(Severity.ERROR, id, what, why, todo);
    }

    static Diagnosis warning(String id, String what, String why, String todo) {
        return of(Severity.WARNING, id, what, why, todo);
    }

    static Diagnosis note(String id, String what, String why, String todo) {
        return of(Severity.NOTE, id, what, why, todo);
    }

    private static Diagnosis of(Severity severity, String id, String what, String why, String todo) {
        return new Diagnosis(new Finding(id, severity, what, why, todo, null, false), null, "");
    }

    /** With SQL that a person may paste. */
    Diagnosis sql(String sql) {
        return new Diagnosis(with(sql, false), null, "");
    }

    /** With SQL that a person may paste and that is executed by a fix as well. */
    Diagnosis fixedBy(String sql, String did) {
        return new Diagnosis(with(sql, true), sql, did);
    }

    /** With a fix that is too long to be shown. */
    Diagnosis fixedBySilent(String sql, String did) {
        return new Diagnosis(with(finding.sql(), true), sql, did);
    }

    /** This, where there is nothing that executes SQL. */
    public Diagnosis withoutExecSql() {
        return remedy == null || remedy.equals(SWEEP) ? this : new Diagnosis(with(finding.sql(), false), null, "");
    }

    private Finding with(@Nullable String sql, boolean fixable) {
        return new Finding(
                finding.id(), finding.severity(), finding.what(), finding.why(), finding.todo(), sql, fixable);
    }

    /** The first few of them, and how many more there are: {@code a, b and 17 more}. */
    static String some(List<String> names) {
        return some(names, names.size());
    }

    static String some(List<String> names, int all) {
        String first = names.stream().limit(NAMED).collect(Collectors.joining(", "));
        int more = all - Math.min(NAMED, names.size());
        return more > 0 ? first + " and " + more + " more" : first;
    }

    /** As {@link #some(List)}, of an array and the number of all. */
    static String some(JsonNode names, int all) {
        return some(texts(names), all);
    }

    static List<String> texts(JsonNode names) {
        return names.values().stream().map(name -> name.asString("")).toList();
    }

    static String count(int number, String one, String many) {
        return number == 1 ? "1 " + one : number + " " + many;
    }
}
