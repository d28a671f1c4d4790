package dev.interlock.benchmarks.peers;

import dev.interlock.SupabaseClient;
import dev.interlock.benchmarks.Bench;
import dev.interlock.benchmarks.Case;
import dev.interlock.benchmarks.Report;
import java.time.Duration;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * The Python system that Interlock replaces: its own sequence of calls beside Interlock's for the same work, over the same PostgREST. The jobs have
 * rows in the application's table in both.
 */
public final class Predecessor implements Case {

    @Override
    public String name() {
        return "python";
    }

    @Override
    public String title() {
        return "the Python system's sequence of calls, replayed";
    }

    @Override
    public void run(Bench bench, Report report) throws Exception {
        bench.executeResource("python.sql");
        SupabaseClient supabase = bench.supabase();
        supabase.rpc("python_release", Map.of("p_job_id", "nobody"))
                .waitForSchema(Duration.ofSeconds(30))
                .as(JsonNode.class);
        SameWork work = new SameWork(bench, new PythonSequence(supabase));
        Cost.Compared alone = new Cost.Compared();
        Cost.Compared life = new Cost.Compared();
        Cost.Compared completion = new Cost.Compared();
        Cost.Compared drain = new Cost.Compared();
        int waiters = bench.scale().either(50, 10);
        work.alone(new Cost.Compared(), bench.scale().either(50, 10));
        work.lives(new Cost.Compared(), bench.scale().either(25, 5));
        for (int round = 0; round < bench.scale().rounds(); round++) {
            bench.progress("python", "starts and completions", round);
            work.alone(alone, bench.scale().either(50, 10));
            work.lives(life, bench.scale().either(25, 5));
            bench.progress("python", "completions with 50 waiters", round);
            work.completions(completion, 50, bench.scale().either(5, 2));
            // Some ten seconds each in the full size.
            if (round < 2) {
                work.drain(drain, waiters);
            }
        }
        alone.report(report, "start and completion, nobody waits", 0, 0);
        life.report(report, "a whole life, with what the application asks", 0, 0);
        completion.report(report, "one completion with 50 waiters", 30, 10);
        drain.report(report, "all of " + waiters + " waiters for one model, to the last", 0, 0);
    }
}
