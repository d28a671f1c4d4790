package dev.interlock.benchmarks.cases;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The jobs of the studio sample (samples, Plan): six models, four workflows over them in different orders, and jobs of one call; drawn with the same
 * seed in the same order, so that they are the same jobs.
 */
final class Studio {

    static final String SINGLE = "single";

    static final Map<String, Integer> CAPACITY = capacities();

    static final Map<String, List<String>> FLOWS = flows();

    private static final int[] SINGLES = {55, 50, 30, 25, 10, 10};

    private Studio() {}

    /**
     * A job.
     *
     * @param models one for each step
     * @param millis how long each step takes
     */
    record Job(String name, String flow, List<String> models, List<Integer> millis, int priority) {}

    /** So many jobs, two fifths of them workflows. */
    static List<Job> jobs(int count) {
        Random random = new Random(4);
        List<Job> jobs = new ArrayList<>();
        List<String> flows = List.copyOf(FLOWS.keySet());
        List<String> models = List.copyOf(CAPACITY.keySet());
        int workflows = count * 2 / 5;
        for (int i = 0; i < workflows; i++) {
            String flow = flows.get(i % flows.size());
            jobs.add(job(flow, i, FLOWS.getOrDefault(flow, List.of()), random));
        }
        for (int i = 0; i < count - workflows; i++) {
            jobs.add(job(SINGLE, i, List.of(models.get(share(i, count - workflows))), random));
        }
        Collections.shuffle(jobs, random);
        return jobs;
    }

    /**
     * No schedule is shorter, in milliseconds: neither than the work of a model over its capacity, nor than the longest job.
     */
    static double lowerBound(List<Job> jobs) {
        Map<String, Integer> work = new LinkedHashMap<>();
        int longest = 0;
        for (Job job : jobs) {
            for (int step = 0; step < job.models().size(); step++) {
                work.merge(job.models().get(step), job.millis().get(step), Integer::sum);
            }
            longest = Math.max(longest, total(job));
        }
        return work.entrySet().stream()
                .mapToDouble(e -> (double) e.getValue() / CAPACITY.getOrDefault(e.getKey(), 1))
                .reduce(longest, Math::max);
    }

    /** The same for one job at a time. */
    static double allAfterEachOther(List<Job> jobs) {
        return jobs.stream().mapToInt(Studio::total).sum();
    }

    private static int total(Job job) {
        return job.millis().stream().mapToInt(Integer::intValue).sum();
    }

    private static int share(int index, int of) {
        int place = index * 180 / of;
        int model = 0;
        while (place >= SINGLES[model]) {
            place -= SINGLES[model];
            model++;
        }
        return model;
    }

    private static Job job(String flow, int index, List<String> models, Random random) {
        List<Integer> millis = new ArrayList<>();
        for (int i = 0; i < models.size(); i++) {
            millis.add(50 + (int) (350 * Math.pow(random.nextDouble(), 3.5)));
        }
        int die = random.nextInt(10);
        return new Job(flow + "-" + (index + 1), flow, models, millis, die == 0 ? 1 : die == 9 ? -1 : 0);
    }

    private static Map<String, Integer> capacities() {
        Map<String, Integer> capacity = new LinkedHashMap<>();
        capacity.put("nano-banana-pro", 2);
        capacity.put("flux-dev", 2);
        capacity.put("motion-2.0-fast", 2);
        capacity.put("kling-video", 1);
        capacity.put("clipdrop-upscale", 1);
        capacity.put("eleven-voice", 1);
        return Collections.unmodifiableMap(capacity);
    }

    private static Map<String, List<String>> flows() {
        Map<String, List<String>> flows = new LinkedHashMap<>();
        flows.put("knight-style", List.of("nano-banana-pro", "motion-2.0-fast"));
        flows.put("product-clip", List.of("flux-dev", "clipdrop-upscale", "kling-video"));
        flows.put("talking-portrait", List.of("eleven-voice", "flux-dev", "motion-2.0-fast", "clipdrop-upscale"));
        flows.put("storyboard", List.of("motion-2.0-fast", "nano-banana-pro", "eleven-voice"));
        return Collections.unmodifiableMap(flows);
    }
}
