package dev.interlock.internal.doctor;

import static dev.interlock.internal.doctor.Diagnosis.error;
import static dev.interlock.internal.doctor.Diagnosis.some;
import static dev.interlock.internal.doctor.Diagnosis.warning;

import dev.interlock.Difference;
import dev.interlock.internal.migrate.Inspection;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** Who may do what: everything of ours is for service_role alone. */
final class AccessChecks {

    private final Inspection inspection;
    private final List<Difference> differences;
    private final List<Diagnosis> found = new ArrayList<>();

    AccessChecks(Inspection inspection, List<Difference> differences) {
        this.inspection = inspection;
        this.differences = differences;
    }

    List<Diagnosis> run() {
        ours();
        execSql();
        yours();
        predecessors();
        return found;
    }

    /** The one door that is open before the installation: everything else is its owner's. */
    List<Diagnosis> beforeTheInstallation() {
        execSql();
        return found;
    }

    private void ours() {
        List<Difference> access = of("access");
        List<Difference> open =
                access.stream().filter(d -> d.expected() == null).toList();
        if (!open.isEmpty()) {
            found.add(error(
                            "open-to-anon",
                            lines(open),
                            "Whoever has the project's public key can read, free or forge what the coordinator holds.",
                            "Take it back.")
                    .fixedBy(
                            statements(open, AccessChecks::close),
                            "took from anon and authenticated: " + some(names(open))));
        }
        List<Difference> refused = access.stream()
                .filter(d -> d.expected() != null && objectIsThere(d))
                .toList();
        if (!refused.isEmpty()) {
            found.add(error(
                            "service-role-refused",
                            lines(refused),
                            "Calls fail with 42501, permission denied.",
                            "Grant it.")
                    .fixedBy(
                            statements(refused, AccessChecks::grant),
                            "granted to service_role: " + some(names(refused))));
        }
        List<Difference> rls =
                of("row level security").stream().filter(d -> d.found() != null).toList();
        if (!rls.isEmpty()) {
            found.add(error(
                            "rls-off",
                            lines(rls),
                            "A grant that somebody makes by mistake then opens the table, and Supabase's advisor warns of it.",
                            "Turn it on; nothing of Interlock's needs a policy.")
                    .fixedBy(
                            rls.stream()
                                    .map(d -> "alter table public." + d.name() + " enable row level security;")
                                    .collect(Collectors.joining("\n")),
                            "turned row level security on: " + some(names(rls))));
        }
        List<Difference> policies = of("policy");
        if (!policies.isEmpty()) {
            found.add(warning(
                            "policy",
                            lines(policies),
                            "With a grant it lets rows of the coordinator's out; nothing of Interlock's needs a policy.",
                            "Drop it, unless you made it and know what for.")
                    .sql(policies.stream()
                            .map(d -> d.name().split("\\.", 2))
                            .map(n -> "drop policy \"" + n[1] + "\" on public." + n[0] + ";")
                            .collect(Collectors.joining("\n"))));
        }
    }

    private void execSql() {
        List<JsonNode> open = openFunctions(true);
        if (!open.isEmpty()) {
            found.add(error(
                            "exec-sql-open",
                            "exec_sql may be executed by "
                                    + some(open.stream()
                                            .map(f -> f.path("open_to").asString(""))
                                            .toList())
                                    + ".",
                            "Whoever has the project's public key can do anything with the database.",
                            "Close it now, and look through the database's logs for its use.")
                    .fixedBy(
                            statements(
                                    open,
                                    f -> close("function " + f.path("function").asString(""))),
                            "closed exec_sql to all but service_role"));
        }
    }

    private void yours() {
        List<String> open = new ArrayList<>();
        for (String table : List.of("jobs", "workflow_executions")) {
            JsonNode facts = inspection.fact("tables").path(table);
            if (!facts.path("rls").asBoolean(true) && !facts.path("open_to").isEmpty()) {
                open.add(table);
            }
        }
        if (!open.isEmpty()) {
            found.add(warning(
                            "jobs-open",
                            "Row level security is off on " + String.join(" and ", open)
                                    + ", and the public key has rights there.",
                            "Whoever has the project's public key can read everybody's jobs, and insert or change them.",
                            "Turn it on, with policies for what your users may see (they see nothing without one); or take the rights from anon"
                                    + " and authenticated. Your app decides, so it is not done for you.")
                    .sql(open.stream()
                            .map(table -> "alter table public." + table + " enable row level security;")
                            .collect(Collectors.joining("\n"))));
        }
    }

    private void predecessors() {
        List<String> functions = openFunctions(false).stream()
                .map(f -> f.path("function").asString(""))
                .distinct()
                .toList();
        if (!functions.isEmpty()) {
            found.add(warning(
                            "old-functions-open",
                            "The old coordinator's functions can be executed with the public key: " + some(functions)
                                    + ".",
                            "Whoever has that key can empty its slots. Nothing of Interlock's uses them.",
                            "Drop them once no Python worker runs any more.")
                    .sql(functions.stream()
                            .map(f -> "drop function public." + f.replaceFirst("^public\\.", "") + ";")
                            .collect(Collectors.joining("\n"))));
        }
        for (JsonNode trigger : inspection.fact("insert_notify").values()) {
            String function = trigger.path("function").asString("");
            found.add(warning(
                            "old-trigger",
                            "jobs has the old trigger job_insert_notify.",
                            "An insert with a prompt of 8,000 bytes or more fails in it, and nobody listens to what it sends.",
                            "Drop it, with its function, once nothing of yours listens to the channel job_events. An adoption leaves it, for it is not"
                                    + " Interlock's: until then the doctor ends with 1, though all else may be well.")
                    .sql("drop trigger job_insert_notify on public.jobs;\ndrop function public."
                            + function.replaceFirst("^public\\.", "") + ";"));
        }
    }

    private List<JsonNode> openFunctions(boolean execSql) {
        return inspection.fact("open_functions").values().stream()
                .filter(f -> f.path("function").asString("").contains("exec_sql(") == execSql)
                .toList();
    }

    private List<Difference> of(String kind) {
        return differences.stream().filter(d -> d.kind().equals(kind)).toList();
    }

    private boolean objectIsThere(Difference access) {
        String name = access.name();
        // Of the schema only the access is told, and none also where it is not there: what is in it shows that it is.
        if (name.equals("schema job_queue")) {
            return inspection.objects().keySet().stream().anyMatch(o -> o.startsWith("function job_queue."));
        }
        return inspection.objects().containsKey(name) || inspection.hasTable(name.replaceFirst("^table ", ""));
    }

    private static List<String> names(List<Difference> differences) {
        return differences.stream().map(Difference::name).distinct().toList();
    }

    private static String lines(List<Difference> differences) {
        String lines = some(differences.stream().map(Difference::line).toList());
        return Character.toUpperCase(lines.charAt(0)) + lines.substring(1) + ".";
    }

    private static String statements(List<Difference> differences, java.util.function.UnaryOperator<String> statement) {
        return names(differences).stream()
                .map(AccessChecks::qualified)
                .map(statement)
                .collect(Collectors.joining("\n"));
    }

    private static String statements(
            List<JsonNode> functions, java.util.function.Function<JsonNode, String> statement) {
        return functions.stream().map(statement).distinct().collect(Collectors.joining("\n"));
    }

    /** {@code table job_queue_log} as {@code table public.job_queue_log}; the others name their schema. */
    private static String qualified(String object) {
        return object.replaceFirst("^(table|sequence) ", "$1 public.");
    }

    /** To all but service_role, who may have had it by PUBLIC only. */
    private static String close(String object) {
        return "revoke all on " + object + " from public, anon, authenticated;\n" + grant(object);
    }

    private static String grant(String object) {
        String rights = switch (object.split(" ", 2)[0]) {
            case "function" -> "execute";
            case "schema" -> "usage";
            case "sequence" -> "usage, select";
            default ->
                object.startsWith("table public.job_queue_")
                        ? "select, insert, update, delete"
                        : "select, insert, update";
        };
        return "grant " + rights + " on " + object + " to service_role;";
    }
}
