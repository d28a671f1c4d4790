package dev.interlock.samples.studio;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What came of it, as tables, and whether it is as promised. */
final class Report {

    private final Plan plan;
    private final List<Round> rounds;
    private final View view;

    Report(Plan plan, List<Round> rounds, View view) {
        this.plan = plan;
        this.rounds = rounds;
        this.view = view;
    }

    /** Prints it; 0 when all promises were kept, else 1. */
    int print() {
        seen();
        compared();
        List<String> broken = broken();
        view.heading(broken.isEmpty() ? "All as promised." : "NOT as promised:");
        broken.forEach(line -> view.say("  " + line));
        return broken.isEmpty() ? 0 : 1;
    }

    private void seen() {
        view.heading("What the providers saw");
        StringBuilder head =
                new StringBuilder(String.format("  %-18s %8s %7s", "calls inside at once", "allowed", "calls"));
        rounds.forEach(round -> head.append(String.format("  %15s", round.rule().title())));
        view.say(head.toString());
        for (Plan.Model model : Plan.MODELS) {
            String name = plan.named(model.name());
            // Those of killed workers are made again, so rounds differ by a few.
            Map<Long, Long> counts = rounds.stream()
                    .map(round -> round.callsOf(name))
                    .collect(Collectors.groupingBy(Function.identity(), Collectors.counting()));
            StringBuilder line = new StringBuilder(String.format(
                    "  %-20s %8d %7s", model.name(), model.capacity(), between(List.copyOf(counts.keySet()))));
            rounds.forEach(round -> line.append(String.format("  %15d", round.mostOf(name))));
            view.say(line.toString());
        }
        row("all together", round -> Integer.toString(round.mostTogether()));
        row("turned away (429)", round -> Long.toString(round.rejected()));
        row(
                "steps called again",
                round -> Integer.toString(round.repeated(false).size()));
        row("… after a kill -9", round -> Integer.toString(round.repeated(true).size()));
    }

    private void compared() {
        view.heading("The same jobs on the same workers");
        StringBuilder head = new StringBuilder(String.format("  %-37s", ""));
        rounds.forEach(round -> head.append(String.format("  %15s", round.rule().title())));
        view.say(head.toString());
        row("all done after", round -> seconds(round.makespan().toMillis()));
        Round slowest = rounds.get(rounds.size() - 1);
        if (slowest.rule() == Round.Rule.ONE_AT_A_TIME) {
            row(
                    "faster than one at a time",
                    round -> String.format(
                            Locale.ROOT,
                            "%.1f times",
                            slowest.makespan().toMillis()
                                    / (double) round.makespan().toMillis()));
        }
        row("time at the providers", round -> seconds(round.called().toMillis()));
        row("models held", round -> seconds(round.heldTime().toMillis()));
        row(
                "… of that in use",
                round -> Math.round(100.0
                                * round.called().toMillis()
                                / round.heldTime().toMillis())
                        + " %");
        int seats = Plan.MODELS.stream().mapToInt(Plan.Model::capacity).sum();
        row(
                "seats in use, on average",
                round -> String.format(
                        Locale.ROOT,
                        "%.1f of %d",
                        round.called().toMillis() / (double) round.makespan().toMillis(),
                        seats));
    }

    private void row(String what, Function<Round, String> value) {
        StringBuilder line = new StringBuilder(String.format("  %-37s", what));
        rounds.forEach(round -> line.append(String.format("  %15s", value.apply(round))));
        view.say(line.toString());
    }

    private List<String> broken() {
        List<String> broken = new ArrayList<>();
        for (Round round : rounds) {
            String rule = round.rule().title() + ": ";
            if (round.completed() != round.jobs()) {
                broken.add(rule + (round.jobs() - round.completed()) + " jobs were not completed.");
            }
            if (round.rejected() > 0) {
                broken.add(rule + round.rejected() + " calls were turned away.");
            }
            if (!round.repeated(false).isEmpty()) {
                broken.add(rule + "steps were called again, though nobody had killed their worker: "
                        + round.repeated(false));
            }
            if (round.rule() == Round.Rule.ONE_AT_A_TIME && round.mostTogether() > 1) {
                broken.add(rule + round.mostTogether() + " calls were inside at once.");
            }
        }
        // In a single round the killed worker's jobs may just have ended.
        if (rounds.stream().mapToLong(Round::leasesLost).sum() == 0) {
            broken.add("No killed worker had a job to be taken back.");
        }
        return broken;
    }

    private static String between(List<Long> counts) {
        long least = counts.stream().mapToLong(Long::longValue).min().orElse(0);
        long most = counts.stream().mapToLong(Long::longValue).max().orElse(0);
        return least == most ? Long.toString(least) : least + "–" + most;
    }

    private static String seconds(long millis) {
        return String.format(Locale.ROOT, "%.1f s", millis / 1000.0);
    }
}
