package dev.interlock.it.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.it.cli.CliRunner.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code interlock log}. */
class LogCommandTest extends ActingTest {

    private static final Pattern NAMED = Pattern.compile("`([a-z_]+)`");

    /** Rows that a test wrote are of no job. */
    @AfterEach
    void noInventedEvents() throws Exception {
        sql("delete from public.job_queue_log where job_id like '" + name("%")
                + "' and (metadata ? 'attempt') is not true");
    }

    private static List<JsonNode> events(Outcome outcome) {
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        return outcome.lines().stream()
                .map(line -> JsonMapper.shared().readTree(line))
                .toList();
    }

    private static List<String> fields(List<JsonNode> events, String field) {
        return events.stream().map(event -> event.path(field).asString()).toList();
    }

    /** An invented event of a job; the way its row comes to be is all that the test is about. */
    private String insert(String job, String time) {
        return "insert into public.job_queue_log (job_id, job_type, event_type, models, created_at) values ('"
                + name(job) + "', 'normal', 'queued', '[\"" + name("m") + "\"]', " + time + ")";
    }

    @Test
    void theStoryOfAJobIsItsRowsTheNewestLast() throws Exception {
        run("j", "retry", "m", "n");
        run("j", "fail", "m", "n");
        run("other", "complete", "m");

        List<JsonNode> story = events(cli.run("log", "--job", name("j"), "--json"));

        assertThat(fields(story, "event_type")).containsExactly("started", "retry_scheduled", "started", "failed");
        // Each is the row as it is in the table.
        assertThat(story)
                .extracting(JsonNode::toString)
                .zipSatisfy(
                        rows("select to_jsonb(l) from public.job_queue_log as l where job_id = '" + name("j")
                                + "' order by seq"),
                        (shown, row) -> {
                            JsonNode expected = JsonMapper.shared().readTree(row);
                            assertThat(JsonMapper.shared().readTree(shown)).isEqualTo(expected);
                        });
        assertThat(fields(
                        events(cli.run("log", "--job", name("j"), "--event", "failed,retry_scheduled", "--json")),
                        "event_type"))
                .containsExactly("retry_scheduled", "failed");
        assertThat(fields(events(cli.run("log", "--job", name("j"), "--limit", "1", "--json")), "event_type"))
                .containsExactly("failed");
        assertThat(new LinkedHashSet<>(fields(
                        events(cli.run(
                                "log", "--model", name("m"), "--event", "completed", "--event", "failed", "--json")),
                        "job_id")))
                .containsExactly(name("j"), name("other"));
    }

    @Test
    void aPersonReadsTheReasonTheWorkerAndTheAttempt() throws Exception {
        start("runs", "m");
        enqueue("waits", "m");
        run("failed", "fail", "n");
        cli.run("jobs", "priority", name("waits"), "4");
        cli.run("models", "set", name("m"), "--capacity", "3");

        assertThat(cli.run("log", "--job", name("waits")).out())
                .contains("queued", "active job runs-", "priority 0 → 4", "by service_role");
        assertThat(cli.run("log", "--job", name("failed")).out())
                .contains("started", name("worker"), "attempt 1", "the provider said no");
        assertThat(cli.run("log", "--model", name("m"), "--event", "model_changed")
                        .out())
                .contains("capacity 1 → 3");
        Outcome narrow = onATerminal("log", "--model", name("m"));
        // The day, and then a line for each event.
        assertThat(narrow.lines()).hasSize(5);
        assertThat(narrow.lines().get(0)).matches("\\d{4}-\\d{2}-\\d{2}");
        assertThat(narrow.lines().get(1)).matches("\\d\\d:\\d\\d:\\d\\d  started .*");
        assertThat(narrow.lines().get(2)).contains("queued", "behind runs-");
    }

    @Test
    void sinceAndUntilBoundWhatIsShown() throws Exception {
        for (String time : List.of("2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z")) {
            sql(insert("old", "'" + time + "'"));
        }
        sql(insert("old", "now()"));

        assertThat(events(cli.run("log", "--job", name("old"), "--json"))).hasSize(4);
        assertThat(events(cli.run("log", "--job", name("old"), "--since", "2h", "--json")))
                .hasSize(1);
        assertThat(events(cli.run("log", "--job", name("old"), "--until", "2h", "--json")))
                .hasSize(3);
        assertThat(fields(
                        events(cli.run(
                                "log",
                                "--job",
                                name("old"),
                                "--since",
                                "2026-01-01T10:30:00Z",
                                "--until",
                                "2026-01-01T13:30+01:00",
                                "--json")),
                        "created_at"))
                .containsExactly("2026-01-01T11:00:00+00:00", "2026-01-01T12:00:00+00:00");
        // Of a model the last day is enough, unless more is asked for.
        assertThat(events(cli.run("log", "--model", name("m"), "--json"))).hasSize(1);
        assertThat(events(cli.run("log", "--model", name("m"), "--since", "2026-01-01", "--json")))
                .hasSize(4);
    }

    @Test
    void thousandsAtOneMomentAreAllShownInOrder() throws Exception {
        sql("insert into public.job_queue_log (job_id, job_type, event_type, created_at) select '" + name("many")
                + "', 'normal', 'queued', now() from generate_series(1, 2500)");
        List<String> seqs =
                rows("select seq from public.job_queue_log where job_id = '" + name("many") + "' order by seq");

        assertThat(fields(events(cli.run("log", "--job", name("many"), "--limit", "9999", "--json")), "seq"))
                .isEqualTo(seqs);
        Outcome some = cli.run("log", "--job", name("many"), "--limit", "1200");
        assertThat(some.lines()).hasSize(1200);
        assertThat(some.err()).contains("newest 1200");
        try (Following follow = follow("--job", name("many"), "--limit", "1500")) {
            follow.await(line -> line.contains("\"seq\":" + seqs.get(2499) + ","));
            sql("insert into public.job_queue_log (job_id, job_type, event_type, created_at) select '" + name("many")
                    + "', 'normal', 'queued', now() from generate_series(1, 2500)");
            sql(insert("many", "now() + interval '1 millisecond'"));
            List<String> all =
                    rows("select seq from public.job_queue_log where job_id = '" + name("many") + "' order by seq");
            follow.await(line -> line.contains("\"seq\":" + all.get(5000) + ","));

            assertThat(fields(follow.seen(), "seq")).isEqualTo(all.subList(1000, 5001));
        }
    }

    private Following follow(String... options) {
        List<String> args = new ArrayList<>(List.of("log", "--follow", "--json"));
        args.addAll(List.of(options));
        return new Following(local, local.url(), args.toArray(String[]::new));
    }

    private static void execute(Connection connection, String text) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(text);
        }
    }

    @Test
    void followShowsEachOnceWhateverTheOrderOfTheCommits() throws Exception {
        enqueue("before", "m");
        try (Connection slow = local.openConnection();
                Following follow = follow("--model", name("m"), "--limit", "1")) {
            follow.await(line -> line.contains(name("before")));
            slow.setAutoCommit(false);
            execute(
                    slow,
                    "select public.job_queue_enqueue('[{\"job_id\": \"" + name("slow") + "\", \"models\": [\""
                            + name("m2") + "\", \"" + name("m3") + "\"]}]')");
            // Its event has the number after the slow one's, and is there before it.
            execute(slow, insert("slow", "clock_timestamp()"));
            sql(insert("fast", "clock_timestamp()"));
            follow.await(line -> line.contains(name("fast")));
            slow.commit();
            follow.await(line -> line.contains(name("slow")));
            sql(insert("last", "clock_timestamp()"));
            follow.await(line -> line.contains(name("last")));
            // Two more looks: what is shown twice comes before this one.
            sql(insert("end", "clock_timestamp()"));
            follow.await(line -> line.contains(name("end")));

            assertThat(fields(follow.seen(), "job_id"))
                    .containsExactly(name("before"), name("fast"), name("slow"), name("last"), name("end"));
            List<String> seqs = fields(follow.seen(), "seq");
            assertThat(Long.parseLong(seqs.get(2))).isLessThan(Long.parseLong(seqs.get(1)));
        }
    }

    @Test
    void followFindsTheEventOfATransactionThatWasOpenForLong() throws Exception {
        sql(insert("begin", "clock_timestamp()"));
        try (Following follow = follow("--model", name("m"), "--limit", "1")) {
            follow.await(line -> line.contains(name("begin")));
            sql(insert("next", "clock_timestamp()"));
            follow.await(line -> line.contains(name("next")));
            // Its transaction began to write half a minute ago, and ends now.
            sql(insert("late", "clock_timestamp() - interval '30 seconds'"));
            follow.await(line -> line.contains(name("late")));
            // What somebody writes with a time to come hides nothing.
            sql(insert("future", "clock_timestamp() + interval '1 hour'"));
            follow.await(line -> line.contains(name("future")));
            sql(insert("end", "clock_timestamp()"));
            follow.await(line -> line.contains(name("end")));

            assertThat(fields(follow.seen(), "job_id"))
                    .containsExactly(name("begin"), name("next"), name("late"), name("future"), name("end"));
        }
    }

    @Test
    void followGoesOnAfterAnOutageAndEndsWithItsReader() throws Exception {
        sql(insert("j", "clock_timestamp()"));
        LosingGateway gateway = new LosingGateway(local.url());
        Following follow = new Following(
                local, gateway.url(), "log", "--follow", "--job", name("j"), "--limit", "1", "--timeout", "1");
        try (follow) {
            follow.await(line -> line.contains("queued"));
            gateway.cut(true);
            gateway.awaitRefusals(3);
            sql(insert("j", "clock_timestamp()"));
            gateway.cut(false);
            follow.await(line -> line.contains("queued"));
            assertThat(follow.errors().lines())
                    .satisfiesExactly(
                            line -> assertThat(line).contains("trying again"),
                            line -> assertThat(line).contains("answers again"));

            sql(insert("j", "clock_timestamp()"));
            assertThat(follow.leave()).isZero();
        } finally {
            gateway.close();
        }
    }

    @Test
    void itKnowsEveryEventOfTheReference() throws IOException {
        Set<String> documented = new LinkedHashSet<>();
        boolean table = false;
        for (String line : Files.readAllLines(Path.of("../../docs/reference/events.md"))) {
            table = line.startsWith("| `event_type`") || (table && line.startsWith("|"));
            Matcher name = NAMED.matcher(line);
            if (table && name.find() && !name.group(1).equals("event_type")) {
                documented.add(name.group(1));
            }
        }

        assertThat(documented).hasSizeGreaterThan(15);
        for (String event : documented) {
            assertThat(cli.run("log", "--event", event, "--limit", "1").exitCode())
                    .as(event)
                    .isZero();
        }
    }

    @Test
    void badUseIsOneLine() {
        refused(2, List.of("\"faild\"", "completed, failed", "lease_expired"), "log", "--event", "faild");
        refused(2, List.of("--since", "yesterday", "2h"), "log", "--since", "yesterday");
        refused(2, List.of("--since is after --until"), "log", "--since", "1h", "--until", "2h");
        refused(2, List.of("--until", "--follow"), "log", "--follow", "--until", "2h");
        refused(2, List.of("--limit is 0", "1 to 100,000"), "log", "--limit", "0");
        refused(2, List.of("--limit", "all"), "log", "--limit", "all");
        refused(1, List.of(name("nobody"), "does not know it"), "log", "--job", name("nobody"));
        refused(1, List.of("no model", name("nothing")), "log", "--model", name("nothing"));
        enqueue(Map.of(), "quiet", "m");
        Outcome none = cli.run("log", "--job", name("quiet"), "--event", "completed");
        assertThat(none.exitCode()).isZero();
        assertThat(none.out()).isEmpty();
        assertThat(none.err()).contains("No event.");
    }
}
