package dev.interlock.samples.studio;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * What is to be done: six models, four workflows over them in different orders, and jobs of one call. The same in every run, so that runs can be
 * compared; only the names are the run's own, so that it neither waits for nor disturbs real jobs of the project.
 *
 * @param run what tells this run's names from others
 */
record Plan(String run) {

    /** The handler of jobs that are a single call. */
    static final String SINGLE = "single";

    /** A model and how many calls its provider takes at once. */
    record Model(String name, int capacity) {}

    /** A workflow: its steps are calls of these models, in order. */
    record Flow(String id, List<String> models) {}

    /**
     * A job.
     *
     * @param name what it is called within a round
     * @param flow the workflow's id, or {@link #SINGLE}
     * @param models one for each step
     * @param millis how long each step takes at the provider
     */
    record Job(String name, String flow, List<String> models, List<Integer> millis, int priority) {}

    /** What a job tells its handler: how long to ask the provider for, step by step. */
    record Task(List<Integer> millis) {}

    static final List<Model> MODELS = List.of(
            new Model("nano-banana-pro", 2),
            new Model("flux-dev", 2),
            new Model("motion-2.0-fast", 2),
            new Model("kling-video", 1),
            new Model("clipdrop-upscale", 1),
            new Model("eleven-voice", 1));

    static final List<Flow> FLOWS = List.of(
            new Flow("knight-style", List.of("nano-banana-pro", "motion-2.0-fast")),
            new Flow("product-clip", List.of("flux-dev", "clipdrop-upscale", "kling-video")),
            new Flow("talking-portrait", List.of("eleven-voice", "flux-dev", "motion-2.0-fast", "clipdrop-upscale")),
            new Flow("storyboard", List.of("motion-2.0-fast", "nano-banana-pro", "eleven-voice")));

    /** How many of 180 single calls go to each model: about as many calls for each seat, with those of the workflows. */
    private static final int[] SINGLES = {55, 50, 30, 25, 10, 10};

    /** A name as the project knows it. */
    String named(String name) {
        return name + run;
    }

    /** A name without what is the run's own. */
    String plain(String name) {
        return name.endsWith(run) ? name.substring(0, name.length() - run.length()) : name;
    }

    /** So many jobs, two fifths of them workflows, in an order that is the same each time. */
    static List<Job> jobs(int count) {
        Random random = new Random(4);
        List<Job> jobs = new ArrayList<>();
        int workflows = count * 2 / 5;
        for (int i = 0; i < workflows; i++) {
            Flow flow = FLOWS.get(i % FLOWS.size());
            jobs.add(job(flow.id(), i, flow.models(), random));
        }
        for (int i = 0; i < count - workflows; i++) {
            String model = MODELS.get(share(i, count - workflows)).name();
            jobs.add(job(SINGLE, i, List.of(model), random));
        }
        Collections.shuffle(jobs, random);
        return jobs;
    }

    /** Spreads the single calls over the models as {@link #SINGLES} says. */
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
            // 50 to 400 ms, the shorter ones more often.
            millis.add(50 + (int) (350 * Math.pow(random.nextDouble(), 3.5)));
        }
        // One in ten is urgent, one in ten can wait.
        int die = random.nextInt(10);
        int priority = die == 0 ? 1 : die == 9 ? -1 : 0;
        return new Job(flow + "-" + (index + 1), flow, models, millis, priority);
    }
}
