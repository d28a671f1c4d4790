package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

/** {@code interlock sweep}: job_queue_sweep until there is nothing more to do. */
@Command(
        name = "sweep",
        description = {
            "Does all housekeeping now: takes back dead leases, lets due jobs in, brings the columns of jobs up to date, removes what is too old.",
            "Workers do the same on their way; a sweep is for a queue that nobody polls. It is safe at any time."
        },
        footer = {"Example:", "  interlock sweep"})
public final class SweepCommand extends ProjectCommand {

    // Where much is due all the time there is always more to do; so many calls are enough for millions of rows.
    private static final int MOST_CALLS = 1000;

    @Override
    protected int run(Project project, Console console) {
        Map<String, Long> sums = new LinkedHashMap<>();
        sums.put("recovered", 0L);
        sums.put("requests_removed", 0L);
        sums.put("log_rows_removed", 0L);
        int calls = 0;
        boolean more;
        do {
            JsonNode answer = project.call("job_queue_sweep", Map.of());
            calls++;
            more = false;
            for (Map.Entry<String, Long> sum : sums.entrySet()) {
                long number = answer.path(sum.getKey()).asLong(0);
                sum.setValue(sum.getValue() + number);
                more |= number > 0;
            }
            console.progress(calls + " calls, "
                    + sums.values().stream().mapToLong(n -> n).sum() + " rows");
        } while (more && calls < MOST_CALLS);
        console.progress(null);
        if (json()) {
            console.printJson(sums);
            return ExitCode.OK;
        }
        tell(console, sums.get("recovered"), "job", "taken back from dead leases or let into their lines");
        tell(console, sums.get("log_rows_removed"), "event", "removed that were older than the log is kept");
        tell(console, sums.get("requests_removed"), "answer", "removed that were kept for repeated requests");
        if (more) {
            console.print("There is more to do: run it again.");
        }
        return ExitCode.OK;
    }

    private static void tell(Console console, @Nullable Long number, String noun, String rest) {
        console.print(number + " " + noun + (number != null && number == 1 ? " " : "s ") + rest);
    }
}
