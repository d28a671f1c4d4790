package dev.interlock.samples.studio;

import dev.interlock.samples.studio.Log.Held;
import dev.interlock.samples.studio.Round.Restart;
import dev.interlock.samples.studio.Round.Rule;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The rounds as a Gantt chart: a panel for each holding rule on the same scale of time, a lane for each seat of each model. Pale: held by a job; solid: a
 * call is inside, as the provider saw it.
 */
final class Chart {

    private static final int WIDTH = 1400;
    private static final int LEFT = 168;
    private static final int RIGHT = 30;
    private static final int LANE = 15;
    private static final int BETWEEN_LANES = 2;
    private static final int BETWEEN_MODELS = 6;
    private static final int TOP = 104;

    /** Colours that can be told apart by nearly everybody. */
    private static final Map<String, String> COLOURS = colours();

    private final Plan plan;
    private final List<Round> rounds;
    private final double pixelsPerMilli;
    private final StringBuilder svg = new StringBuilder();

    Chart(Plan plan, List<Round> rounds) {
        this.plan = plan;
        this.rounds = rounds;
        long longest = shown().stream()
                .mapToLong(round -> round.makespan().toMillis())
                .max()
                .orElse(1);
        this.pixelsPerMilli = (WIDTH - LEFT - RIGHT) / (double) longest;
    }

    private static Map<String, String> colours() {
        Map<String, String> colours = new LinkedHashMap<>();
        List<String> ofFlows = List.of("#0072b2", "#e69f00", "#009e73", "#cc79a7");
        for (int i = 0; i < Plan.FLOWS.size(); i++) {
            colours.put(Plan.FLOWS.get(i).id(), ofFlows.get(i));
        }
        colours.put(Plan.SINGLE, "#6b7280");
        return colours;
    }

    private List<Round> shown() {
        return rounds.stream()
                .filter(round -> round.rule() != Rule.ONE_AT_A_TIME)
                .toList();
    }

    /** The picture as SVG. */
    String svg() {
        svg.setLength(0);
        int y = TOP;
        for (Round round : shown()) {
            y = panel(round, y);
        }
        String panels = svg.toString();
        svg.setLength(0);
        int height = y + 24;
        add(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\""
                        + " font-family=\"Helvetica, Arial, 'Liberation Sans', sans-serif\" font-size=\"12\">",
                WIDTH, height, WIDTH, height);
        add(
                "<defs><pattern id=\"lost\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
                        + "<rect width=\"6\" height=\"6\" fill=\"#fbdada\"/><rect width=\"2\" height=\"6\" fill=\"#d62728\"/></pattern></defs>");
        add("<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>", WIDTH, height);
        int jobs = shown().get(0).jobs();
        text(
                20,
                34,
                20,
                "#111827",
                "bold",
                "start",
                jobs + " jobs over " + Plan.MODELS.size() + " models: the same under each holding rule");
        legend();
        svg.append(panels);
        footer(y + 4);
        svg.append("</svg>\n");
        return svg.toString();
    }

    private void legend() {
        int x = 20;
        for (Map.Entry<String, String> entry : COLOURS.entrySet()) {
            String name = entry.getKey().equals(Plan.SINGLE) ? "single calls" : entry.getKey();
            add("<rect x=\"%d\" y=\"52\" width=\"14\" height=\"14\" fill=\"%s\"/>", x, entry.getValue());
            text(x + 20, 64, 13, "#374151", "normal", "start", name);
            x += 48 + name.length() * 7;
        }
        add("<rect x=\"%d\" y=\"52\" width=\"30\" height=\"14\" fill=\"#0072b2\" fill-opacity=\"0.25\"/>", x);
        add("<rect x=\"%d\" y=\"52\" width=\"12\" height=\"14\" fill=\"#0072b2\"/>", x + 8);
        text(x + 38, 64, 13, "#374151", "normal", "start", "pale: model held, solid: a call is inside");
        x += 310;
        add("<rect x=\"%d\" y=\"52\" width=\"30\" height=\"14\" fill=\"url(#lost)\"/>", x);
        text(x + 38, 64, 13, "#374151", "normal", "start", "held by a killed worker until its lease ended");
    }

    /** Draws a round below this line; where the next one may begin. */
    private int panel(Round round, int top) {
        text(20, top + 4, 16, "#111827", "bold", "start", round.rule().title());
        text(LEFT + 24, top + 4, 13, "#4b5563", "normal", "start", round.rule().says());
        int lanesTop = top + 34;
        Map<String, Integer> laneTops = new HashMap<>();
        int y = lanesTop;
        for (Plan.Model model : Plan.MODELS) {
            laneTops.put(plan.named(model.name()), y);
            int bottom = y + model.capacity() * (LANE + BETWEEN_LANES) - BETWEEN_LANES;
            for (int seat = 0; seat < model.capacity(); seat++) {
                int lane = y + seat * (LANE + BETWEEN_LANES);
                add(
                        "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#f3f4f6\"/>",
                        LEFT, lane, WIDTH - LEFT - RIGHT, LANE);
            }
            text(LEFT - 10, (y + bottom) / 2 + 4, 12, "#111827", "normal", "end", model.name());
            y = bottom + BETWEEN_MODELS;
        }
        int bottom = y - BETWEEN_MODELS;
        grid(lanesTop, bottom);
        bars(round, laneTops);
        marks(round, lanesTop, bottom);
        return bottom + 56;
    }

    private void grid(int top, int bottom) {
        double seconds = (WIDTH - LEFT - RIGHT) / pixelsPerMilli / 1000;
        int step = seconds > 60 ? 10 : seconds > 25 ? 5 : seconds > 10 ? 2 : 1;
        for (int second = 0; second <= seconds; second += step) {
            double x = LEFT + second * 1000 * pixelsPerMilli;
            add("<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#ffffff\"/>", x, top, x, bottom);
            text(x, bottom + 16, 11, "#6b7280", "normal", "middle", second + " s");
        }
    }

    private void bars(Round round, Map<String, Integer> laneTops) {
        Map<String, StringBuilder> pale = new LinkedHashMap<>();
        Map<String, StringBuilder> solid = new LinkedHashMap<>();
        StringBuilder lost = new StringBuilder();
        Map<String, List<Instant>> seats = new HashMap<>();
        Map<Held, Integer> lanes = new HashMap<>();
        for (Held held : round.held()) {
            int lane = laneTops.getOrDefault(held.model(), 0) + seat(held, seats) * (LANE + BETWEEN_LANES);
            lanes.put(held, lane);
            StringBuilder path =
                    held.byKilledWorker() ? lost : pale.computeIfAbsent(flow(held.job()), flow -> new StringBuilder());
            bar(path, x(round, held.from()), x(round, held.until()), lane);
        }
        for (Call call : round.calls()) {
            Integer lane = lane(call, round.held(), lanes);
            if (lane != null && !call.isRejected()) {
                bar(
                        solid.computeIfAbsent(flow(call.job()), flow -> new StringBuilder()),
                        x(round, Instant.ofEpochMilli(call.start())),
                        x(round, Instant.ofEpochMilli(call.end())),
                        lane);
            }
        }
        pale.forEach((flow, path) ->
                add("<path d=\"%s\" fill=\"%s\" fill-opacity=\"0.25\"/>", path, COLOURS.getOrDefault(flow, "#000000")));
        add("<path d=\"%s\" fill=\"url(#lost)\"/>", lost);
        solid.forEach((flow, path) -> add("<path d=\"%s\" fill=\"%s\"/>", path, COLOURS.getOrDefault(flow, "#000000")));
    }

    /** The first seat of the model that is free by then. */
    private static int seat(Held held, Map<String, List<Instant>> seats) {
        List<Instant> freeAt = seats.computeIfAbsent(held.model(), model -> new ArrayList<>());
        for (int seat = 0; seat < freeAt.size(); seat++) {
            if (!freeAt.get(seat).isAfter(held.from())) {
                freeAt.set(seat, held.until());
                return seat;
            }
        }
        freeAt.add(held.until());
        return freeAt.size() - 1;
    }

    /** The lane in which the call's job held the model. */
    private static @Nullable Integer lane(Call call, List<Held> all, Map<Held, Integer> lanes) {
        Integer lane = null;
        long longest = 0;
        for (Held held : all) {
            if (held.job().equals(call.job()) && held.model().equals(call.model())) {
                long shared = Math.min(held.until().toEpochMilli(), call.end())
                        - Math.max(held.from().toEpochMilli(), call.start());
                if (shared > longest) {
                    longest = shared;
                    lane = lanes.get(held);
                }
            }
        }
        return lane;
    }

    private void marks(Round round, int top, int bottom) {
        for (Restart restart : round.restarts()) {
            double x = x(round, restart.at());
            String colour = restart.killed() ? "#d62728" : "#7c3aed";
            add(
                    "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"%s\" stroke-width=\"1.5\" stroke-dasharray=\"5 3\"/>",
                    x, top - 6, x, bottom + 2, colour);
            // One before its line and one after it, for they may be close together.
            text(
                    restart.killed() ? x - 4 : x + 4,
                    top - 5,
                    12,
                    colour,
                    "bold",
                    restart.killed() ? "end" : "start",
                    (restart.killed() ? "kill -9 " : "SIGTERM ") + plan.plain(restart.worker()));
        }
        double end = x(round, round.end());
        add(
                "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#111827\" stroke-width=\"2\"/>",
                end, top - 6, end, bottom + 2);
        // Beside the line where there is room, else before it.
        boolean room = end < WIDTH - 220;
        text(
                room ? end + 8 : end - 8,
                room ? (top + bottom) / 2.0 + 5 : top - 7,
                15,
                "#111827",
                "bold",
                room ? "start" : "end",
                "all done after " + seconds(round.makespan()));
    }

    private void footer(int y) {
        StringBuilder line = new StringBuilder();
        for (Round round : rounds) {
            if (round.rule() == Rule.ONE_AT_A_TIME) {
                line.append("One job at a time (max_active_jobs = 1), the same jobs are all done after ")
                        .append(seconds(round.makespan()))
                        .append(". ");
            }
        }
        long rejected = rounds.stream().mapToLong(Round::rejected).sum();
        line.append(
                rejected == 0
                        ? "In no round did a provider get more calls than it allows."
                        : "Providers turned " + rejected + " calls away.");
        text(20, y, 13, "#374151", "normal", "start", line.toString());
    }

    private double x(Round round, Instant time) {
        return LEFT + Duration.between(round.begin(), time).toMillis() * pixelsPerMilli;
    }

    private static void bar(StringBuilder path, double from, double until, int top) {
        double width = Math.max(0.8, until - from - 0.4);
        path.append(String.format(Locale.ROOT, "M%.1f %dh%.1fv%dh-%.1fz", from, top, width, LANE, width));
    }

    /** A job's workflow: its name without its number. */
    private static String flow(String job) {
        String numbered = job.substring(0, job.indexOf('.'));
        String name = numbered.substring(0, numbered.lastIndexOf('-'));
        return COLOURS.containsKey(name) ? name : Plan.SINGLE;
    }

    private void text(double x, double y, int size, String colour, String weight, String anchor, String text) {
        String escaped = text.replace("&", "&amp;").replace("<", "&lt;");
        add(
                "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" fill=\"%s\" font-weight=\"%s\" text-anchor=\"%s\">%s</text>",
                x, y, size, colour, weight, anchor, escaped);
    }

    private void add(String format, Object... arguments) {
        svg.append(String.format(Locale.ROOT, format, arguments)).append('\n');
    }

    private static String seconds(Duration time) {
        return String.format(Locale.ROOT, "%.1f s", time.toMillis() / 1000.0);
    }
}
