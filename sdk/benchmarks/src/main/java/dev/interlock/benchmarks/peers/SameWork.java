package dev.interlock.benchmarks.peers;

import dev.interlock.Claim;
import dev.interlock.ClaimRequest;
import dev.interlock.JobRequest;
import dev.interlock.Lease;
import dev.interlock.LeaseOutcome;
import dev.interlock.Outcome;
import dev.interlock.StartResult;
import dev.interlock.SupabaseClient;
import dev.interlock.benchmarks.Bench;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/** The same work both ways, in turns: by the Python sequence and by Interlock. */
record SameWork(Bench bench, PythonSequence python) {

    private static final List<String> MODEL = List.of("flux-dev");

    void alone(Cost.Compared into, int times) throws Exception {
        List<Cost> theirs = new ArrayList<>();
        List<Cost> ours = new ArrayList<>();
        List<String> theirRows = rows("python_jobs", times);
        List<String> ourRows = rows("jobs", times);
        for (int i = 0; i < times; i++) {
            String one = theirRows.get(i);
            String other = ourRows.get(i);
            theirs.add(Cost.of(bench, () -> {
                python.start(one, MODEL);
                python.complete(one, MODEL);
            }));
            ours.add(Cost.of(bench, () -> bench.coordinator().complete(start(other))));
        }
        into.python().add(Cost.median(theirs));
        into.interlock().add(Cost.median(ours));
    }

    void lives(Cost.Compared into, int times) throws Exception {
        List<Cost> theirs = new ArrayList<>();
        List<Cost> ours = new ArrayList<>();
        // A worker's steady state: the call that claims a job completes the one before.
        List<LeaseOutcome> before = new ArrayList<>();
        for (int i = 0; i < times; i++) {
            String user = UUID.randomUUID().toString();
            String job = UUID.randomUUID().toString();
            theirs.add(Cost.of(bench, () -> python.wholeLife(job, user, MODEL)));
            ours.add(Cost.of(bench, () -> life(job, user, before)));
        }
        bench.coordinator().completeAll(before);
        into.python().add(Cost.median(theirs));
        into.interlock().add(Cost.median(ours));
    }

    private void life(String job, String user, List<LeaseOutcome> before) {
        SupabaseClient supabase = bench.supabase();
        supabase.from("jobs")
                .select("job_id")
                .eq("user_id", user)
                .in("status", List.of("pending", "running", "pending_retry"))
                .limit(1)
                .listOf(JsonNode.class);
        supabase.from("jobs")
                .insert(Map.of(
                        "job_id",
                        job,
                        "user_id",
                        user,
                        "prompt",
                        "a knight",
                        "model",
                        MODEL.get(0),
                        "required_models",
                        MODEL))
                .returning(JsonNode.class);
        Lease lease = before.isEmpty()
                ? bench.coordinator().claim(1).leases().get(0)
                : next(before.get(0).lease());
        supabase.from("jobs").select("*").eq("job_id", job).single(JsonNode.class);
        PythonSequence.providerKeys(supabase);
        supabase.from("jobs")
                .update(Map.of("image_url", "https://example.com/knight.png"))
                .eq("job_id", job)
                .execute();
        before.clear();
        before.add(new LeaseOutcome(lease, Outcome.complete()));
    }

    void completions(Cost.Compared into, int waiters, int times) throws Exception {
        List<Cost> theirs = new ArrayList<>();
        List<Cost> ours = new ArrayList<>();
        String running = firstOfPython(waiters);
        Lease lease = firstOfOurs(waiters);
        for (int i = 0; i < times; i++) {
            String done = running;
            Lease held = lease;
            List<String> promoted = new ArrayList<>();
            theirs.add(Cost.of(bench, () -> promoted.addAll(python.complete(done, MODEL))));
            List<Lease> next = new ArrayList<>();
            ours.add(Cost.of(bench, () -> next.add(next(held))));
            running = promoted.get(0);
            lease = next.get(0);
            python.startPromoted(running);
            finish("python_jobs", done);
            // So that as many wait at the next.
            python.start(rows("python_jobs", 1).get(0), MODEL);
            bench.coordinator().enqueue(request(rows("jobs", 1).get(0)));
        }
        into.python().add(Cost.median(theirs));
        into.interlock().add(Cost.median(ours));
        bench.execute("update public.python_queue_state set active_jobs = '[]';"
                + " update public.python_jobs set blocked_by_job_id = null where blocked_by_job_id is not null");
        drainOurs(lease);
    }

    void drain(Cost.Compared into, int waiters) throws Exception {
        String first = firstOfPython(waiters);
        Lease lease = firstOfOurs(waiters);
        into.python().add(Cost.of(bench, () -> drainPython(first)));
        into.interlock().add(Cost.of(bench, () -> drainOurs(lease)));
    }

    /** Starts one, behind which so many wait; their rows are as its calls would have left them. */
    private String firstOfPython(int waiters) throws Exception {
        List<String> jobs = rows("python_jobs", waiters + 1);
        python.start(jobs.get(0), MODEL);
        bench.execute("update public.python_jobs set blocked_by_job_id = '" + jobs.get(0)
                + "', conflict_reason = 'Model conflict with active job " + jobs.get(0) + "', required_models = '[\""
                + MODEL.get(0) + "\"]', queued_at = clock_timestamp() where job_id in ('"
                + String.join("', '", jobs.subList(1, jobs.size())) + "')");
        return jobs.get(0);
    }

    private Lease firstOfOurs(int waiters) {
        List<String> jobs = rows("jobs", waiters + 1);
        Lease lease = start(jobs.get(0));
        bench.coordinator()
                .enqueueAll(jobs.subList(1, jobs.size()).stream()
                        .map(SameWork::request)
                        .toList());
        return lease;
    }

    /** Until nobody waits. That the application marks its row is counted too, as it is in Interlock's call. */
    private void drainPython(String first) {
        String running = first;
        while (true) {
            finish("python_jobs", running);
            List<String> promoted = python.complete(running, MODEL);
            if (promoted.isEmpty()) {
                return;
            }
            running = promoted.get(0);
            python.startPromoted(running);
        }
    }

    private void drainOurs(Lease first) {
        Lease lease = first;
        while (true) {
            List<Lease> next = completeAndClaim(lease);
            if (next.isEmpty()) {
                return;
            }
            lease = next.get(0);
        }
    }

    private Lease next(Lease done) {
        return completeAndClaim(done).get(0);
    }

    private List<Lease> completeAndClaim(Lease done) {
        Claim claim = bench.coordinator()
                .completeAll(List.of(new LeaseOutcome(done, Outcome.complete())), ClaimRequest.of(1))
                .claim();
        return claim == null ? List.of() : claim.leases();
    }

    private Lease start(String job) {
        return ((StartResult.Started) bench.coordinator().start(request(job))).lease();
    }

    private static JobRequest request(String job) {
        return JobRequest.normal(job).models(MODEL).build();
    }

    private void finish(String table, String job) {
        bench.supabase()
                .from(table)
                .update(Map.of("status", "completed"))
                .eq("job_id", job)
                .execute();
    }

    /** Rows of the application, which are there before. */
    private List<String> rows(String table, int count) {
        List<String> ids = new ArrayList<>();
        List<Map<String, Object>> rows = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            String id = UUID.randomUUID().toString();
            ids.add(id);
            rows.add(Map.of("job_id", id, "prompt", "a knight", "model", MODEL.get(0)));
        }
        bench.supabase().from(table).insert(rows).execute();
        return ids;
    }
}
