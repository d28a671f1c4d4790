package dev.interlock.cli.command;

import dev.interlock.InterlockIoException;
import dev.interlock.ServerErrorException;
import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.Refusal;
import dev.interlock.cli.view.LogView;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;
import tools.jackson.databind.JsonNode;

/** {@code interlock log}: what happened, from job_queue_log. */
@Command(
        name = "log",
        description = {
            "Shows what happened, the newest last: the time, the event, the job, its models, and what is said of it.",
            "Events: queued, blocked, conflict, started, completed, failed, retry_scheduled, lease_expired, released, checkpoint,"
                    + " cancel_requested, cancelled, expired, skipped, retried, reprioritized, model_changed, limits_changed,"
                    + " mirror_failed."
        },
        footer = {
            "Examples:",
            "  interlock log --job job-42                          the whole story of a job",
            "  interlock log --event failed,expired --since 2h     what went wrong",
            "  interlock log --follow --model motion-2.0-fast      what happens at a model",
            "  interlock log --follow --json | jq -r .event_type   for a script, an object a line"
        })
public final class LogCommand extends ProjectCommand {

    private static final int MOST = 100_000;
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final Duration OF_A_MODEL = Duration.ofDays(1);

    /** The events of docs/reference/events.md, and the seed's conflict. */
    static final class Events implements ITypeConverter<String>, Iterable<String> {

        static final List<String> ALL = List.of(
                "queued",
                "blocked",
                "conflict",
                "started",
                "completed",
                "failed",
                "retry_scheduled",
                "lease_expired",
                "released",
                "checkpoint",
                "cancel_requested",
                "cancelled",
                "expired",
                "skipped",
                "retried",
                "reprioritized",
                "model_changed",
                "limits_changed",
                "mirror_failed");

        @Override
        public String convert(String value) {
            if (!ALL.contains(value)) {
                throw new TypeConversionException("\"" + value + "\" is none of " + String.join(", ", ALL));
            }
            return value;
        }

        @Override
        public Iterator<String> iterator() {
            return ALL.iterator();
        }
    }

    @Option(names = "--job", paramLabel = "ID", description = "Only those of this job.")
    private @Nullable String job;

    @Option(
            names = "--model",
            paramLabel = "NAME",
            description = "Only those of jobs that need this model; without --since of the last 24 hours.")
    private @Nullable String model;

    @Option(
            names = "--event",
            paramLabel = "NAME",
            split = ",",
            converter = Events.class,
            completionCandidates = Events.class,
            description = "Only these events; may be given several times.")
    private List<String> events = new ArrayList<>();

    @Option(
            names = "--since",
            paramLabel = "TIME",
            converter = Lengths.Moments.class,
            description = "From then on: how long ago (90s, 2h, 7d), or a time (2026-11-24T18:00).")
    private @Nullable Instant since;

    @Option(
            names = "--until",
            paramLabel = "TIME",
            converter = Lengths.Moments.class,
            description = "Up to then; not with --follow.")
    private @Nullable Instant until;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "50",
            description = "The newest so many, up to 100,000; default 50.")
    private int limit;

    @Option(
            names = {"-f", "--follow"},
            description = "Go on with what comes, until Ctrl-C.")
    private boolean follow;

    @Override
    protected int run(Project project, Console console) {
        check();
        Instant begin = since == null && model != null ? Instant.now().minus(OF_A_MODEL) : since;
        LogReader log = new LogReader(project.supabase(), new LogReader.Filter(job, model, events, begin, until));
        LogView view = new LogView(ZoneId.systemDefault());
        if (follow) {
            follow(project, log, view, console);
            return ExitCode.OK;
        }
        // One more than is shown tells whether there are more.
        List<JsonNode> rows = log.newest(limit + 1);
        if (rows.isEmpty()) {
            requireKnown(project);
            console.tell("No event.");
        }
        boolean more = rows.size() > limit;
        List<JsonNode> shown = rows.subList(more ? 1 : 0, rows.size());
        view.fit(shown);
        shown.forEach(row -> print(row, view, console));
        if (more && !json()) {
            console.tell("These are the newest " + limit + "; --limit shows more.");
        }
        return ExitCode.OK;
    }

    private void check() {
        int least = follow ? 0 : 1;
        if (limit < least || limit > MOST) {
            throw wrong("--limit is " + limit + "; it has to be " + least + " to 100,000.");
        }
        if (follow && until != null) {
            throw wrong("--until ends what --follow goes on with; give one of the two.");
        }
        if (since != null && until != null && since.isAfter(until)) {
            throw wrong("--since is after --until.");
        }
    }

    /** Nothing happened, or nothing of that name is there? */
    private void requireKnown(Project project) {
        if (job != null
                && project.supabase()
                        .from("job_queue_jobs")
                        .select("job_id")
                        .eq("job_id", job)
                        .listOf(JsonNode.class)
                        .isEmpty()) {
            throw new Refusal(
                    "No event of the job " + job + ", and the queue does not know it. Check the id and the project.");
        }
        if (model != null) {
            Models.require(project, List.of(model));
        }
    }

    private void follow(Project project, LogReader log, LogView view, Console console) {
        LogFollower follower = new LogFollower(log, project.now());
        List<JsonNode> first = follower.begin(limit);
        view.fit(first);
        first.forEach(row -> print(row, view, console));
        boolean answered = true;
        while (!console.isClosed()) {
            try {
                Thread.sleep(PAUSE.toMillis());
                List<JsonNode> rows = follower.next();
                if (!answered) {
                    console.tell("It answers again.");
                    answered = true;
                }
                rows.forEach(row -> print(row, view, console));
            } catch (InterlockIoException | ServerErrorException e) {
                if (Thread.currentThread().isInterrupted()) {
                    return;
                }
                // Whoever watches through an outage wants what comes after it; nothing is missed meanwhile.
                if (answered) {
                    console.tell("No answer, trying again: " + e.getMessage());
                    answered = false;
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    private void print(JsonNode row, LogView view, Console console) {
        if (json()) {
            console.printJsonLine(row);
        } else {
            view.lines(row, console.width()).forEach(console::print);
        }
    }
}
