package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.view.Styles;
import dev.interlock.cli.view.TextTable;
import dev.interlock.cli.view.Times;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code interlock adopt}: what another system had in line comes into line here. */
@Command(
        name = "adopt",
        description = {
            "Brings the waiting jobs of an existing jobs table into their lines, in their old order.",
            "It shows what it would do and asks. Jobs that stay as they are, are listed with the reason; then it ends with 1.",
            "Stop the workers of the old system first: docs/guides/adopting.md."
        },
        footer = {
            "Examples:",
            "  interlock adopt --dry-run",
            "  interlock adopt --running --workflow knight=gemini-25-flash,clipdrop-upscale",
            "  interlock adopt --workflows models.json --yes      {\"knight\": [\"gemini-25-flash\", \"clipdrop-upscale\"]}"
        })
public final class AdoptCommand extends ProjectCommand {

    private static final int SHOWN = 20;
    private static final JsonMapper JSON = JsonMapper.builder().build();

    @Option(names = "--dry-run", description = "Only show what would be done.")
    private boolean dryRun;

    @Option(
            names = "--running",
            description = "Also rows that are \"running\", left over from workers that were stopped for good.")
    private boolean running;

    @Option(
            names = "--workflow",
            paramLabel = "ID=MODEL,…",
            description = "The models of a workflow, for jobs whose rows do not say; may be repeated.")
    private Map<String, String> workflow = new LinkedHashMap<>();

    @Option(names = "--workflows", paramLabel = "FILE", description = "The same for many, as a JSON object of arrays.")
    private @Nullable Path workflows;

    @Option(
            names = {"-y", "--yes"},
            description = "Do not ask.")
    private boolean yes;

    @Override
    protected int run(Project project, Console console) {
        Map<String, Object> models = models();
        Sum expected = pass(project, models, true, sum -> tell(console, "looked at", sum.seen()));
        if (!json()) {
            describe(expected, console);
        }
        if (dryRun || expected.adopted == 0) {
            return end(expected, console);
        }
        if (!yes && !console.ask("Adopt " + jobs(expected.adopted) + "?")) {
            console.tell("Nothing was changed.");
            return ExitCode.NO;
        }
        Sum done =
                pass(project, models, false, sum -> tell(console, "adopted", sum.adopted + " of " + expected.adopted));
        if (!json()) {
            console.print(Styles.good("Adopted " + jobs(done.adopted) + "."));
            if (done.passedOver > 0) {
                console.print(Styles.warning(
                        jobs(done.passedOver) + " were locked by somebody else and passed over; run this again."));
            }
        }
        return end(done, console);
    }

    private int end(Sum sum, Console console) {
        if (json()) {
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put("dry_run", dryRun);
            answer.put("adopted", sum.adopted);
            answer.put("passed_over", sum.passedOver);
            answer.put("jobs", sum.jobs);
            answer.put("not_adopted", sum.notAdopted);
            console.printJson(answer);
        }
        return sum.notAdopted.isEmpty() && sum.passedOver == 0 ? ExitCode.OK : ExitCode.NO;
    }

    private Map<String, Object> models() {
        Map<String, Object> models = new LinkedHashMap<>();
        if (workflows != null) {
            try {
                JsonNode file = JSON.readTree(Files.readString(workflows));
                if (!file.isObject()) {
                    throw wrong("The file " + workflows + " holds no JSON object.");
                }
                file.properties().forEach(entry -> models.put(entry.getKey(), entry.getValue()));
            } catch (IOException e) {
                throw wrong("The file " + workflows + " cannot be read.");
            } catch (JacksonException e) {
                throw wrong("The file " + workflows + " is no JSON: " + e.getOriginalMessage());
            }
        }
        workflow.forEach((id, names) -> models.put(id, Arrays.asList(names.split(",", -1))));
        return models;
    }

    /** Goes through all that waits, in batches. */
    private Sum pass(Project project, Map<String, Object> models, boolean dry, Consumer<Sum> progress) {
        Sum sum = new Sum();
        String next = null;
        do {
            Map<String, Object> options = new LinkedHashMap<>();
            options.put("request_id", UUID.randomUUID().toString());
            options.put("dry_run", dry);
            options.put("running", running);
            options.put("workflows", models);
            if (next != null) {
                options.put("after", next);
            }
            JsonNode answer = project.call("job_queue_adopt", Map.of("options", options));
            sum.add(answer);
            next = answer.path("next").isString() ? answer.path("next").asString() : null;
            if (next != null) {
                progress.accept(sum);
            }
        } while (next != null);
        return sum;
    }

    private void tell(Console console, String what, Object number) {
        if (!json()) {
            console.tell(what + " " + number);
        }
    }

    private void describe(Sum sum, Console console) {
        if (sum.adopted == 0) {
            console.print("No job waits that is to be adopted.");
        } else {
            console.print(Styles.heading(
                    jobs(sum.adopted) + (sum.adopted == 1 ? " comes" : " come") + " into line, in this order:"));
            TextTable table =
                    new TextTable(">place", "!job", "status", "handler", "models", ">step", ">tried", ">waits");
            for (JsonNode job : sum.jobs.subList(0, Math.min(SHOWN, sum.jobs.size()))) {
                table.row(
                        place(job),
                        job.path("job_id").asString(),
                        job.path("status").asString(),
                        job.path("handler").asString(),
                        job.path("models").values().stream()
                                .map(JsonNode::asString)
                                .collect(Collectors.joining(", ")),
                        job.path("current_step").isNull()
                                ? ""
                                : job.path("current_step").asInt(),
                        job.path("attempt").asInt() + "/"
                                + job.path("max_attempts").asInt(),
                        Times.length(Duration.between(instant(job.path("queued_at")), Instant.now())));
            }
            table.lines(console.width()).forEach(console::print);
            if (sum.adopted > SHOWN) {
                console.print(Styles.faint("… and " + (sum.adopted - SHOWN) + " more"));
            }
        }
        if (!sum.notAdopted.isEmpty()) {
            console.print(Styles.warning(jobs(sum.notAdopted.size()) + " would stay as they are:"));
            Map<String, List<JsonNode>> reasons = new LinkedHashMap<>();
            sum.notAdopted.forEach(
                    row -> reasons.computeIfAbsent(row.path("reason").asString(), reason -> new ArrayList<>())
                            .add(row));
            reasons.forEach((reason, rows) -> {
                console.print("  " + TextTable.printable(reason) + " "
                        + TextTable.printable(rows.get(0).path("hint").asString()));
                console.print(Styles.faint("    "
                        + rows.stream()
                                .limit(3)
                                .map(row ->
                                        TextTable.printable(row.path("job_id").asString()))
                                .collect(Collectors.joining(", "))
                        + (rows.size() > 3 ? " and " + (rows.size() - 3) + " more" : "")));
            });
        }
    }

    private static Object place(JsonNode job) {
        if (!job.path("due_at").isNull()) {
            return "at " + Times.at(instant(job.path("due_at")), ZoneId.systemDefault());
        }
        return job.path("queue_position").isNull()
                ? ""
                : job.path("queue_position").asInt();
    }

    private static Instant instant(JsonNode time) {
        return OffsetDateTime.parse(time.asString()).toInstant();
    }

    private static String jobs(int number) {
        return number + (number == 1 ? " job" : " jobs");
    }

    /** What the batches came to. */
    private static final class Sum {
        private final List<JsonNode> jobs = new ArrayList<>();
        private final List<JsonNode> notAdopted = new ArrayList<>();
        private int adopted;
        private int passedOver;

        void add(JsonNode answer) {
            adopted += answer.path("adopted").asInt();
            passedOver += answer.path("passed_over").asInt();
            answer.path("not_adopted").forEach(notAdopted::add);
            for (JsonNode job : answer.path("jobs")) {
                if (jobs.size() < 100) {
                    jobs.add(job);
                }
            }
        }

        int seen() {
            return adopted + passedOver + notAdopted.size();
        }
    }
}
