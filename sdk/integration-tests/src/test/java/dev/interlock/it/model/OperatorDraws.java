package dev.interlock.it.model;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** What an operator might set, drawn by chance. */
class OperatorDraws extends Draws {

    OperatorDraws(Random random, ReferenceModel model) {
        super(random, model);
    }

    /** Each history has settings of its own to begin with. */
    final Operation first() {
        Map<String, @Nullable Object> settings = new HashMap<>();
        settings.put("max_overtakes", random.nextInt(4));
        settings.put("skip_after_seconds", skipAfter());
        settings.put("max_active_jobs", random.nextInt(3) > 0 ? null : (Integer) (1 + random.nextInt(4)));
        return new Operation("job_queue_set_limits", Map.of("settings", settings));
    }

    private @Nullable Integer skipAfter() {
        int kind = random.nextInt(4);
        return kind == 0 ? null : List.of(12, 40, 90).get(kind - 1);
    }

    final Operation setModel() {
        Map<String, Object> settings = new HashMap<>();
        int kind = random.nextInt(12);
        String name = pick(MODELS);
        if (kind == 0) {
            name = pick(List.of("a1", "a2", "m5"));
            settings.put("alias_of", random.nextInt(3) == 0 ? null : pick(List.of("m1", "m2", "a1", "m5")));
        } else if (kind < 7) {
            settings.put("capacity", random.nextInt(8) == 0 ? 0 : 1 + random.nextInt(3));
        } else if (kind == 7) {
            settings.put("starts_per_minute", random.nextBoolean() ? null : (Integer) (1 + random.nextInt(4)));
        } else if (kind == 8) {
            settings.put("capacity", random.nextInt(3));
            settings.put("paused", random.nextBoolean());
        } else {
            List<String> stopped = model.lines.values().stream()
                    .filter(line -> line.paused || line.capacity == 0)
                    .map(line -> line.name)
                    .toList();
            // Mostly what is stopped goes on again, or soon nothing would move.
            if (!stopped.isEmpty() && random.nextInt(5) > 0) {
                name = pick(stopped);
                settings.put("capacity", 1 + random.nextInt(3));
            }
            settings.put("paused", settings.isEmpty() && random.nextInt(5) > 0);
        }
        return new Operation("job_queue_set_model", Map.of("model", name, "settings", settings));
    }

    final Operation setLimits() {
        Map<String, Object> settings = new HashMap<>();
        int kind = random.nextInt(15);
        if (model.limits.paused || kind == 8 || kind == 9) {
            settings.put("paused", !model.limits.paused);
        } else if (kind < 5) {
            settings.put("max_active_jobs", random.nextBoolean() ? null : (Integer) (1 + random.nextInt(4)));
        } else if (kind < 6) {
            settings.put("priority_step_seconds", pick(List.of(0, 60, 600)));
        } else if (kind < 7) {
            settings.put("default_capacity", random.nextInt(3));
        } else if (kind > 12) {
            settings.put("max_overtakes", random.nextInt(4));
        } else if (kind > 10) {
            settings.put("skip_after_seconds", skipAfter());
        } else {
            settings.put("unknown_models", model.limits.refuseUnknown || random.nextBoolean() ? "create" : "refuse");
        }
        return new Operation("job_queue_set_limits", Map.of("settings", settings));
    }
}
