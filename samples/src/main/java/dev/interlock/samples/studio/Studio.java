package dev.interlock.samples.studio;

import dev.interlock.InterlockException;
import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.LimitSettings;
import dev.interlock.Limits;
import dev.interlock.Migrator;
import dev.interlock.ModelSettings;
import dev.interlock.QueueStatus;
import dev.interlock.SupabaseClient;
import dev.interlock.samples.Project;
import dev.interlock.samples.studio.Round.Restart;
import dev.interlock.samples.studio.Round.Rule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * A day at a studio in three minutes: 300 jobs, four workflows over six models, three worker processes that are killed and restarted on the way, and
 * providers that turn away what is too much. The same jobs under each holding rule and one at a time; then what the providers saw, and a picture.
 */
public final class Studio {

    private static final int WORKERS = 3;
    private static final Duration PATIENCE = Duration.ofMinutes(10);
    private static final String USAGE = """
            usage: ./samples/run studio [--jobs N] [--out FILE]

              --jobs N     how many jobs in each round, 20 to 1000; default 300 (about three minutes in all)
              --out FILE   where the picture goes; default samples/target/studio.svg""";

    private final SupabaseClient supabase;
    private final JobCoordinator coordinator;
    private final Processes processes;
    private final Providers providers;
    private final Plan plan;
    private final View view;

    private Studio(SupabaseClient supabase, Processes processes, Plan plan) {
        this.supabase = supabase;
        this.coordinator = JobCoordinator.create(supabase);
        this.processes = processes;
        this.providers = new Providers(processes.providerUrl());
        this.plan = plan;
        this.view = new View(System.out, plan);
    }

    /** Runs it all; exit code 0 only when every job was done, no provider turned a call away, and no step was repeated but those of killed workers. */
    public static void main(String[] args) throws Exception {
        int jobs = 300;
        Path out = Path.of(System.getProperty("interlock.samples", "samples"), "target", "studio.svg");
        try {
            for (int i = 0; i < args.length; i += 2) {
                switch (args[i]) {
                    case "--jobs" -> jobs = Integer.parseInt(args[i + 1]);
                    case "--out" -> out = Path.of(args[i + 1]);
                    default -> throw new IllegalArgumentException(args[i]);
                }
            }
            if (jobs < 20 || jobs > 1000) {
                throw new IllegalArgumentException("--jobs " + jobs);
            }
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            System.err.println(USAGE);
            System.exit(2);
        }
        int exit;
        try {
            exit = run(jobs, out);
        } catch (InterlockException e) {
            System.err.println(e.getMessage());
            exit = 1;
        }
        System.exit(exit);
    }

    private static int run(int jobs, Path out) throws Exception {
        try (Project project = Project.open()) {
            Migrator.create(project.supabase()).migrate();
            Plan plan = new Plan("~" + Long.toString(Instant.now().getEpochSecond() % 1_679_616, 36));
            try (Processes processes = new Processes(project.environment(), plan)) {
                return new Studio(project.supabase(), processes, plan).play(jobs, out);
            }
        }
    }

    private int play(int count, Path out) throws Exception {
        for (Plan.Model model : Plan.MODELS) {
            coordinator.setModel(plan.named(model.name()), ModelSettings.capacity(model.capacity()));
        }
        for (int i = 0; i < WORKERS; i++) {
            processes.startWorker();
        }
        List<Plan.Job> jobs = Plan.jobs(count);
        view.say(String.format(
                "%d jobs (%d calls of %d models) on %d workers with %d slots each, under four rules",
                count,
                jobs.stream().mapToInt(job -> job.models().size()).sum(),
                Plan.MODELS.size(),
                WORKERS,
                WorkerProcess.SLOTS));
        // So that no round pays for the start of the processes.
        finish(enter(Plan.jobs(20), Rule.PER_STEP, ".warm-up" + plan.run()), 20);

        List<Round> rounds = new ArrayList<>();
        for (Rule rule : Rule.values()) {
            if (rule != Rule.ONE_AT_A_TIME) {
                rounds.add(round(rule, jobs));
            } else if (othersAreIdle()) {
                Limits before = coordinator.limits();
                coordinator.setLimits(LimitSettings.builder().maxActiveJobs(1).build());
                try {
                    rounds.add(round(rule, jobs));
                } finally {
                    restore(before);
                }
            } else {
                view.say("One at a time is left out, for other jobs of this project are running or waiting.");
            }
        }

        Path folder = out.toAbsolutePath().getParent();
        if (folder != null) {
            Files.createDirectories(folder);
        }
        Files.writeString(out, new Chart(plan, rounds).svg());
        int exit = new Report(plan, rounds, view).print();
        view.say("");
        view.say("The picture is in " + out);
        return exit;
    }

    private Round round(Rule rule, List<Plan.Job> jobs) throws Exception {
        view.heading(rule.title() + ": " + rule.says());
        String suffix = "." + rule.title().replace(' ', '_') + plan.run();
        Log log = enter(jobs, rule, suffix);
        long rejectedBefore = providers.rejected();
        Instant start = Instant.now();
        List<Restart> restarts = new ArrayList<>();
        Duration ahead = Duration.ZERO;
        int ended = 0;
        while (ended < jobs.size()) {
            processes.check();
            Instant asked = Instant.now();
            QueueStatus status = coordinator.status();
            ahead = ahead(asked, status.now(), Instant.now());
            if (restarts.size() < 2 && ended >= (restarts.size() + 1) * jobs.size() / 3) {
                QueueStatus.Worker busiest = busiest(status);
                if (busiest.running() > 0) {
                    restarts.add(restart(busiest.workerId(), restarts.isEmpty(), ahead));
                }
            }
            int rejected = (int) (providers.rejected() - rejectedBefore);
            view.show(status, suffix, ended, jobs.size(), Duration.between(start, Instant.now()), rejected);
            pause(start);
            ended = log.ended();
        }
        log.read();
        Round round = new Round(
                rule,
                log.first(),
                log.last(),
                log.completed(),
                jobs.size(),
                calls(suffix, ahead),
                log.held(),
                restarts,
                log.leasesLost());
        view.done(round.restarts().stream()
                .map(r -> plan.plain(r.worker()) + (r.killed() ? " was killed (kill -9)" : " was told to go (SIGTERM)"))
                .collect(Collectors.joining(
                        ", ",
                        String.format(Locale.ROOT, "%.1f s; ", round.makespan().toMillis() / 1000.0),
                        ", each replaced by a new one")));
        return round;
    }

    /** Puts the jobs in line, all at once. */
    private Log enter(List<Plan.Job> jobs, Rule rule, String suffix) {
        List<JobRequest> requests = new ArrayList<>();
        for (Plan.Job job : jobs) {
            String id = job.name() + suffix;
            JobRequest.Builder request;
            if (job.flow().equals(Plan.SINGLE)) {
                request = JobRequest.normal(id)
                        .handler(plan.named(Plan.SINGLE))
                        .models(plan.named(job.models().get(0)));
            } else {
                request = JobRequest.workflow(id, plan.named(job.flow())).holding(rule.holding());
                for (String model : job.models()) {
                    request.step(model, plan.named(model));
                }
            }
            requests.add(request.priority(job.priority())
                    .payload(new Plan.Task(job.millis()))
                    .build());
        }
        Log log = new Log(supabase, suffix);
        coordinator.enqueueAll(requests);
        return log;
    }

    private void finish(Log log, int jobs) throws InterruptedException {
        Instant start = Instant.now();
        while (log.ended() < jobs) {
            processes.check();
            pause(start);
        }
    }

    private QueueStatus.Worker busiest(QueueStatus status) {
        return status.workers().stream()
                .filter(worker -> processes.workers().contains(plan.plain(worker.workerId())))
                .max(Comparator.comparingInt(QueueStatus.Worker::running))
                .orElseThrow(() -> new IllegalStateException("No worker has been heard of."));
    }

    /** Ends a worker, in the one way or the other, and starts another in its place. */
    private Restart restart(String worker, boolean kill, Duration ahead) throws IOException, InterruptedException {
        if (kill) {
            processes.kill(plan.plain(worker));
        } else {
            processes.terminate(plan.plain(worker));
        }
        Instant at = Instant.now().plus(ahead);
        processes.startWorker();
        return new Restart(worker, kill, at);
    }

    /** How much the database's clock is ahead of ours; nothing as far as it can be told within a call. */
    private static Duration ahead(Instant asked, Instant there, Instant answered) {
        if (there.isBefore(asked)) {
            return Duration.between(asked, there);
        }
        return there.isAfter(answered) ? Duration.between(answered, there) : Duration.ZERO;
    }

    /** What the providers saw of these jobs, in the database's time. */
    private List<Call> calls(String suffix, Duration ahead) throws IOException, InterruptedException {
        long by = ahead.toMillis();
        return providers.calls().stream()
                .filter(call -> call.job().endsWith(suffix))
                .map(c -> new Call(
                        c.model(), c.job(), c.step(), c.worker(), c.seat(), c.together(), c.start() + by, c.end() + by))
                .toList();
    }

    private static void pause(Instant start) throws InterruptedException {
        if (Duration.between(start, Instant.now()).compareTo(PATIENCE) > 0) {
            throw new IllegalStateException("It goes on for more than " + PATIENCE.toMinutes() + " minutes.");
        }
        Thread.sleep(150);
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
