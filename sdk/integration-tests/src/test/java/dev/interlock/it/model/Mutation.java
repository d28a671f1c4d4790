package dev.interlock.it.model;

import dev.interlock.internal.migrate.MigrationFile;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A rule broken on purpose: a text in a migration that is replaced by another.
 *
 * @param seed a history that told it soon; the next ones are tried after it
 */
record Mutation(String rule, int seed, String file, List<String> texts) {

    static final List<Mutation> ALL = List.of(
            of(
                    "I1: one more than the capacity",
                    1,
                    "095_job_queue_settle.sql",
                    "else m.free end, 0)",
                    "else m.free + 1 end, 0)",
                    "free := frees[i];",
                    "free := frees[i] + 1;",
                    "generate_series(1, capacities[i])",
                    "generate_series(1, capacities[i] + 1)"),
            of(
                    "rule 1: the global limit is no line",
                    4,
                    "032_job_queue_admission.sql",
                    "case when s.max_active_jobs is null then models else models || ''::text end",
                    "models"),
            of(
                    "rule 2: a higher priority comes later",
                    1,
                    "096_job_queue_entering.sql",
                    "n.entered_at - n.priority * s.priority_step",
                    "n.entered_at + n.priority * s.priority_step"),
            of(
                    "rule 2: of two jobs of one instant the later comes first",
                    1,
                    "096_job_queue_entering.sql",
                    "nextval('public.job_queue_line_seq')",
                    "-nextval('public.job_queue_line_seq')"),
            of(
                    "rule 3: a job that needs a paused model stands in line",
                    4,
                    "032_job_queue_admission.sql",
                    "where m.model = any (j.needs) and m.paused) as paused",
                    "where m.model = any (j.needs) and m.paused and false) as paused"),
            of(
                    "I3: the last that may start is taken first",
                    2,
                    "098_job_queue_outcomes.sql",
                    "order by j.line_key, j.seq\n            limit greatest(",
                    "order by j.line_key desc, j.seq desc\n            limit greatest("),
            of(
                    "I2: a start at once is content with some of its models",
                    1,
                    "096_job_queue_entering.sql",
                    "if not seats ?& lines then",
                    "if not seats ?| lines then"),
            of(
                    "rule 1: a start at once minds no pause of everything",
                    43,
                    "096_job_queue_entering.sql",
                    "if s.paused or job ->> 'job_type'",
                    "if job ->> 'job_type'"),
            of(
                    "I1: newcomers count on more seats than there are",
                    1,
                    "096_job_queue_entering.sql",
                    "generate_series(1, m.capacity)",
                    "generate_series(1, 1000 + m.capacity)"),
            of(
                    "I5: what a completion frees goes to nobody",
                    5,
                    "098_job_queue_outcomes.sql",
                    "perform job_queue.settle(needs, back || came);",
                    "perform job_queue.settle(needs, back || came) where cardinality(ended) = 0;"),
            of(
                    "I5: what a cancelled job kept goes to nobody",
                    5,
                    "046_job_queue_cancel.sql",
                    "perform job_queue.settle(needs);",
                    ""),
            of(
                    "rule 5: a dead attempt is not counted",
                    1,
                    "034_job_queue_transitions.sql",
                    "set status = 'waiting', lease_until = null, waits_since = moment",
                    "set status = 'waiting', lease_until = null, waits_since = moment, attempt = j.attempt - 1"),
            of(
                    "I6: any token ends a run",
                    5,
                    "098_job_queue_outcomes.sql",
                    "when j.token <> (o.e ->> 'token')::bigint then 'stale'",
                    "",
                    "coalesce(j.status = 'running' and j.token = (o.e ->> 'token')::bigint, false)",
                    "coalesce(j.status = 'running', false)"),
            of(
                    "I6: any token renews a lease",
                    2,
                    "103_job_queue_heartbeat.sql",
                    "join given as g on g.job_id = j.job_id and g.token = j.token",
                    "join given as g on g.job_id = j.job_id"),
            of(
                    "I7: a request is carried out twice",
                    5,
                    "032_job_queue_admission.sql",
                    "return (select r.answer from public.job_queue_requests as r where r.request_id = first_answer.request_id);",
                    "return null;",
                    "values (remember.request_id, remember.answer);",
                    "values (remember.request_id, remember.answer) on conflict do nothing;"),
            of(
                    "rule 9: nobody expires",
                    4,
                    "034_job_queue_transitions.sql",
                    "where j.status in ('waiting', 'delayed') and j.deadline < moment",
                    "where j.status in ('waiting', 'delayed') and j.deadline < moment and false"),
            of(
                    "I9: a retry goes to the end of the line",
                    5,
                    "098_job_queue_outcomes.sql",
                    "lease_until = null, result = v.result",
                    "line_key = case when v.word in ('retry_scheduled', 'released') then moment else j.line_key end, "
                            + "lease_until = null, result = v.result"),
            of(
                    "I9: a job that falls due goes to the end of the line",
                    5,
                    "034_job_queue_transitions.sql",
                    "perform job_queue.enter(due, s);",
                    "update public.job_queue_jobs as j set line_key = moment where j.job_id = any (due); perform job_queue.enter(due, s);"),
            of(
                    "I10: a cancelled job's row still waits",
                    3,
                    "046_job_queue_cancel.sql",
                    "perform job_queue.mirror(array[j.job_id]);",
                    ""),
            of(
                    "rule 11: a start is no event",
                    1,
                    "034_job_queue_transitions.sql",
                    "perform job_queue.log_event(ids, 'started', extra);",
                    ""),
            of(
                    "the pause of everything stops nobody",
                    5,
                    "098_job_queue_outcomes.sql",
                    "if claim is not null and not s.paused then",
                    "if claim is not null then"),
            of(
                    "rule 4: what a workflow has used it keeps",
                    2,
                    "055_job_queue_checkpoint.sql",
                    "j.holding <> 'whole_run'",
                    "j.holding = 'per_step'"),
            of(
                    "a rate counts no start",
                    7,
                    "032_job_queue_admission.sql",
                    "where e.model = m.model and e.started_at > a_minute_ago",
                    "where e.model = m.model and e.started_at > a_minute_ago and false"),
            of(
                    "I10: another priority leaves a job where it stands",
                    9,
                    "057_job_queue_reprioritize.sql",
                    "update public.job_queue_lines as l set line_key = new_key where l.job_id = j.job_id;",
                    ""),
            of(
                    "I9: who is retried loses the attempts it may use",
                    3,
                    "056_job_queue_retry.sql",
                    "max_attempts = k.attempt + attempts",
                    "max_attempts = attempts"),
            of(
                    "rule 3: a held-up job is passed once more than it may",
                    1,
                    "038_job_queue_overtakes.sql",
                    "p.overtaken < lendable.max_overtakes",
                    "p.overtaken <= lendable.max_overtakes",
                    "j.overtaken < s.max_overtakes",
                    "j.overtaken <= s.max_overtakes"),
            of(
                    "rule 3: who is passed is not counted",
                    1,
                    "038_job_queue_overtakes.sql",
                    "set overtaken = j.overtaken + 1 where",
                    "set overtaken = j.overtaken where"),
            of(
                    "rule 3: who waits for this model alone is passed too",
                    9,
                    "038_job_queue_overtakes.sql",
                    "and o.model <> lacking.model and o.seat is null)",
                    "and o.seat is null)"),
            of(
                    "rule 3: what is kept is lent to nobody",
                    1,
                    "098_job_queue_outcomes.sql",
                    "foreach id in array behind loop",
                    "foreach id in array behind[1:0] loop"),
            of(
                    "rule 3: who stands aside is not let back",
                    3,
                    "037_job_queue_workers.sql",
                    "where j.skipped\n",
                    "where j.skipped and false\n"),
            of(
                    "rule 3: who stands aside is not let back when it is asked for",
                    11,
                    "096_job_queue_entering.sql",
                    "and (j.skipped or ",
                    "and (false or "),
            of(
                    "rule 3: who stands aside still blocks",
                    3,
                    "034_job_queue_transitions.sql",
                    "delete from public.job_queue_lines as l where l.job_id = any (aside);",
                    ""),
            of(
                    "rule 3: aside, though somebody is there to run it",
                    2,
                    "037_job_queue_workers.sql",
                    "where w.seen_at > since and w.models is null",
                    "where false",
                    "return not exists (",
                    "return true or not exists ("),
            of(
                    "rule 3: aside at once",
                    1,
                    "034_job_queue_transitions.sql",
                    "j.runnable and greatest(j.runnable_since, s.resumed_at) < moment - s.skip_after",
                    "j.runnable",
                    "ids := ids || job_queue.stuck(at_most);",
                    "ids := ids || array(select j.job_id from public.job_queue_jobs as j, public.job_queue_settings as s"
                            + " where j.runnable and not s.paused and job_queue.nobody_runs(j, s.skip_after));"),
            of(
                    "rule 3: a worker that only sends heartbeats is not there",
                    2,
                    "103_job_queue_heartbeat.sql",
                    "where o.worker_id = job_queue_heartbeat.worker_id",
                    "where false"));

    private static Mutation of(String rule, int seed, String file, String... texts) {
        return new Mutation(rule, seed, file, Arrays.asList(texts));
    }

    void install(Connection connection) throws SQLException {
        String sql = MigrationFile.text(file);
        List<String> missing = new ArrayList<>();
        for (int i = 0; i < texts.size(); i += 2) {
            String text = texts.get(i);
            if (!sql.contains(text)) {
                missing.add(text);
            }
            sql = sql.replace(text, texts.get(i + 1));
        }
        if (!missing.isEmpty()) {
            throw new IllegalStateException(
                    "\"" + rule + "\" can't be broken any more: " + file + " has no " + missing);
        }
        run(connection, sql);
        runTheLater(connection);
    }

    void undo(Connection connection) throws SQLException {
        run(connection, MigrationFile.text(file));
        runTheLater(connection);
    }

    /** The file may have brought back what these replaced. */
    private void runTheLater(Connection connection) throws SQLException {
        for (MigrationFile later : MigrationFile.all(false)) {
            if (later.name().compareTo(file) > 0) {
                run(connection, later.sql());
            }
        }
    }

    private static void run(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            // The functions' names stay: the API has nothing to load anew.
            statement.execute(sql.replace("notify pgrst, 'reload schema';", ""));
        }
    }

    @Override
    public String toString() {
        return rule;
    }
}
