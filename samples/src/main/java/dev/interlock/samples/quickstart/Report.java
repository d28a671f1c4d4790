package dev.interlock.samples.quickstart;

import dev.interlock.Migrator;
import dev.interlock.SupabaseClient;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** What there is to say at the end, and whether it is what was promised. */
final class Report {

    private final SupabaseClient supabase;
    private final Provider provider;
    private final Demo demo;
    private final View view;
    private final Log log;

    Report(SupabaseClient supabase, Provider provider, Demo demo, View view, Log log) {
        this.supabase = supabase;
        this.provider = provider;
        this.demo = demo;
        this.view = view;
        this.log = log;
    }

    /** Prints it; 0 when all promises were kept, else 1. */
    int print(boolean oneAtATimeWasShown, Duration back) {
        view.heading("The seed's verification queries");
        Migrator.create(supabase).verify().lines().forEach(line -> view.say("  " + line));

        int collisions = provider.collisions().size();
        List<String> overtaken = overtaken();
        long completed = log.rows().stream()
                .filter(row -> row.eventType().equals("completed"))
                .count();
        Duration bound = Demo.LEASE.plus(Demo.POLL);
        // The clock here starts when the kill returns and stops at the look that sees the new attempt: a look is 0.1 s
        // and two calls.
        boolean inTime = back.compareTo(bound.plusMillis(500)) <= 0;

        view.heading("What happened");
        view.say("  jobs done                       " + completed + ", in " + provider.calls()
                + " calls to the provider");
        view.say("  collisions seen by the provider " + collisions + "   (most at once: " + shown(provider.mostAtOnce())
                + ")");
        provider.collisions().forEach(c -> view.say("      " + c));
        if (oneAtATimeWasShown) {
            view.say("  in one-at-a-time mode           never two calls inside at once");
        }
        view.say("  order kept                      "
                + (overtaken.isEmpty() ? "yes, in every line" : "NO: " + overtaken));
        view.say(String.format(
                Locale.ROOT,
                "  killed worker's model back in   %.1f s   (lease %d s + one poll %.1f s)",
                back.toMillis() / 1000.0,
                Demo.LEASE.toSeconds(),
                Demo.POLL.toMillis() / 1000.0));
        view.say("  waiting time                    " + waits());
        view.heading("Where to look next");
        view.say("  samples/README.md     small programs, one idea each");
        view.say("  docs/quickstart.md    the same in your own project, step by step");
        view.say("  docs/concepts.md      lines, seats, leases, tokens");

        return collisions == 0 && overtaken.isEmpty() && inTime ? 0 : 1;
    }

    /** First starts that came before the first start of a job ahead in a line they share. */
    private List<String> overtaken() {
        Map<String, Long> entered = new LinkedHashMap<>();
        Map<String, Long> started = new HashMap<>();
        Map<String, Set<String>> models = new HashMap<>();
        for (Log.Row row : log.rows()) {
            entered.putIfAbsent(row.jobId(), row.seq());
            models.putIfAbsent(row.jobId(), Set.copyOf(row.models()));
            if (row.eventType().equals("started")) {
                started.putIfAbsent(row.jobId(), row.seq());
            }
        }
        List<String> overtaken = new ArrayList<>();
        List<String> order = new ArrayList<>(entered.keySet());
        for (int i = 0; i < order.size(); i++) {
            for (int j = i + 1; j < order.size(); j++) {
                String first = order.get(i);
                String second = order.get(j);
                boolean share = !Collections.disjoint(
                        models.getOrDefault(first, Set.of()), models.getOrDefault(second, Set.of()));
                if (share && started.getOrDefault(second, 0L) < started.getOrDefault(first, 0L)) {
                    overtaken.add(demo.shown(second) + " before " + demo.shown(first));
                }
            }
        }
        return overtaken;
    }

    private String waits() {
        Map<String, Instant> entered = new HashMap<>();
        Set<String> started = new HashSet<>();
        List<Long> waits = new ArrayList<>();
        for (Log.Row row : log.rows()) {
            entered.putIfAbsent(row.jobId(), row.createdAt());
            if (row.eventType().equals("started") && started.add(row.jobId())) {
                Instant since = entered.getOrDefault(row.jobId(), row.createdAt());
                waits.add(Duration.between(since, row.createdAt()).toMillis());
            }
        }
        waits.sort(null);
        return waits.isEmpty()
                ? "-"
                : String.format(
                        Locale.ROOT,
                        "shortest %.1f s, median %.1f s, longest %.1f s",
                        waits.get(0) / 1000.0,
                        waits.get(waits.size() / 2) / 1000.0,
                        waits.get(waits.size() - 1) / 1000.0);
    }

    private String shown(Map<String, Integer> mostAtOnce) {
        List<String> parts = new ArrayList<>();
        mostAtOnce.forEach((model, most) -> parts.add(demo.shown(model) + " " + most));
        parts.sort(null);
        return String.join(", ", parts);
    }
}
