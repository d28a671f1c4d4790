package dev.interlock.samples.quickstart;

import dev.interlock.InterlockException;
import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.LimitSettings;
import dev.interlock.Limits;
import dev.interlock.Migrator;
import dev.interlock.QueueStatus;
import dev.interlock.SupabaseClient;
import dev.interlock.samples.Project;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The system end to end in about half a minute: installs the SQL, lets three worker processes compete for models, kills one, and shows what an
 * independent witness saw. Uses the project that SUPABASE_URL names, else starts a local one.
 */
public final class Quickstart {

    private static final List<String> WORKERS = List.of("worker-1", "worker-2", "worker-3");

    private final SupabaseClient supabase;
    private final JobCoordinator coordinator;
    private final Provider provider;
    private final Demo demo;
    private final View view;
    private final Log log;

    private Quickstart(SupabaseClient supabase, Provider provider, Demo demo) {
        this.supabase = supabase;
        this.coordinator = JobCoordinator.create(supabase);
        this.provider = provider;
        this.demo = demo;
        this.view = new View(System.out, demo);
        this.log = new Log(supabase, demo);
    }

    /** Runs it all; exit code 0 only when nothing collided, order was kept and the killed worker's model came back in time. */
    public static void main(String[] args) throws Exception {
        int exit;
        try {
            exit = run();
        } catch (InterlockException e) {
            System.err.println(e.getMessage());
            exit = 1;
        }
        System.exit(exit);
    }

    private static int run() throws Exception {
        try (Project project = Project.open()) {
            return play(project.supabase(), project.environment());
        }
    }

    private static int play(SupabaseClient supabase, Map<String, String> connection) throws Exception {
        System.out.println("Installing the SQL through exec_sql…");
        System.out.println(Migrator.create(supabase).migrate().message());

        Demo demo = new Demo("~" + Long.toString(Instant.now().getEpochSecond() % 1_679_616, 36));
        try (Provider provider = Provider.start();
                Workers workers = new Workers(environment(connection, provider, demo))) {
            return new Quickstart(supabase, provider, demo).play(workers);
        }
    }

    private static Map<String, String> environment(Map<String, String> connection, Provider provider, Demo demo) {
        Map<String, String> environment = new java.util.HashMap<>(connection);
        environment.put("PROVIDER_URL", provider.url());
        environment.put("DEMO_RUN", demo.run());
        return environment;
    }

    private int play(Workers workers) throws Exception {
        for (String worker : WORKERS) {
            workers.start(worker);
        }

        view.heading("1  Jobs that share a model wait for each other; the others run beside them");
        enqueueAndWatch(demo.sharedModels(), workers);

        boolean single = othersAreIdle();
        if (single) {
            view.heading("2  One job at a time, whatever its models (max_active_jobs = 1)");
            Limits before = coordinator.limits();
            coordinator.setLimits(LimitSettings.builder().maxActiveJobs(1).build());
            provider.allowTogether(1);
            try {
                enqueueAndWatch(demo.oneAtATime(), workers);
            } finally {
                provider.allowTogether(Integer.MAX_VALUE);
                restore(before);
            }
        } else {
            view.heading("2  One job at a time: left out, for other jobs of this project are running or waiting");
        }

        view.heading("3  A worker is killed (kill -9) in the middle of a job");
        Duration back = killAWorker(workers);
        workers.check();

        return new Report(supabase, provider, demo, view, log).print(single, back);
    }

    private void enqueueAndWatch(List<JobRequest> jobs, Workers workers) throws InterruptedException {
        coordinator.enqueueAll(jobs);
        Set<String> ids = jobs.stream().map(JobRequest::jobId).collect(Collectors.toSet());
        while (!log.ended().containsAll(ids)) {
            look(workers, ids);
        }
        look(workers, ids);
    }

    /** Lets the view show what is new. */
    private void look(Workers workers, Set<String> ids) throws InterruptedException {
        workers.check();
        for (Log.Row row : log.fresh()) {
            view.event(row.eventType(), row.jobId(), String.join(" + ", row.models()), row.more());
        }
        QueueStatus status = coordinator.status();
        long done = log.ended().stream().filter(ids::contains).count();
        view.draw(
                status,
                String.format(
                        Locale.ROOT,
                        "%.1f s   done %d of %d   collisions seen by the provider: %d",
                        view.seconds(),
                        done,
                        ids.size(),
                        provider.collisions().size()));
        Thread.sleep(100);
    }

    /** Kills the worker that runs the victim; how long its model then took to be taken up again. */
    private Duration killAWorker(Workers workers) throws InterruptedException {
        JobRequest victim = demo.victim();
        JobRequest next = demo.afterVictim();
        coordinator.enqueueAll(List.of(victim, next));
        Set<String> ids = Set.of(victim.jobId(), next.jobId());

        String worker = null;
        while (worker == null) {
            look(workers, ids);
            worker = coordinator.explain(victim.jobId()).workerId();
        }
        look(workers, ids);
        workers.kill(worker);
        Instant killed = Instant.now();
        view.say("  kill -9 " + worker + ", which runs " + demo.shown(victim.jobId()) + "; its lease ends within "
                + Demo.LEASE.toSeconds() + " s");

        Duration back = null;
        while (!log.ended().containsAll(ids)) {
            look(workers, ids);
            if (back == null && coordinator.explain(victim.jobId()).attempt() > 1) {
                back = Duration.between(killed, Instant.now());
            }
        }
        look(workers, ids);
        return back == null ? Duration.between(killed, Instant.now()) : back;
    }

    private boolean othersAreIdle() {
        QueueStatus.Counts jobs = coordinator.status().jobs();
        return jobs.running() + jobs.waiting() == 0 && coordinator.limits().maxActiveJobs() == null;
    }

    private void restore(Limits before) {
        Integer atMost = before.maxActiveJobs();
        LimitSettings.Builder settings = LimitSettings.builder();
        coordinator.setLimits((atMost == null ? settings.noMaxActiveJobs() : settings.maxActiveJobs(atMost)).build());
    }
}
