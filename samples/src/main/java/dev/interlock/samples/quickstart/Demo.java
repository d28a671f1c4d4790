package dev.interlock.samples.quickstart;

import dev.interlock.JobRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The names and jobs of one run. They are the run's own, so that it neither waits for nor disturbs real jobs of the project it runs on.
 *
 * @param run what tells this run from others
 */
record Demo(String run) {

    static final String MOTION = "motion-2.0-fast";
    static final String NANO = "nano-banana-pro-leonardo";
    static final String FLUX = "flux-dev";
    static final String UPSCALE = "clipdrop-upscale";

    static final Duration LEASE = Duration.ofSeconds(3);
    static final Duration POLL = Duration.ofMillis(500);

    String model(String name) {
        return name + run;
    }

    String handler(String name) {
        return name + run;
    }

    String job(String name) {
        return name + run;
    }

    /** A name as the run's viewer shows it. */
    String shown(String name) {
        return run.isEmpty() ? name : name.replace(run, "");
    }

    /** Two models wanted by workflows and by normal jobs, and two that nobody else wants. */
    List<JobRequest> sharedModels() {
        List<JobRequest> jobs = new ArrayList<>();
        for (int i = 1; i <= 3; i++) {
            jobs.add(image("motion-" + i, MOTION, 700));
        }
        jobs.add(knight("knight-1", 600));
        jobs.add(image("motion-4", MOTION, 700));
        jobs.add(image("nano-1", NANO, 700));
        jobs.add(image("nano-2", NANO, 700));
        jobs.add(knight("knight-2", 600));
        for (int i = 1; i <= 4; i++) {
            jobs.add(image("flux-" + i, FLUX, 900));
            jobs.add(image("upscale-" + i, UPSCALE, 900));
        }
        return jobs;
    }

    /** Jobs that share nothing, for the mode in which they wait for each other all the same. */
    List<JobRequest> oneAtATime() {
        return List.of(
                image("single-motion", MOTION, 500),
                image("single-nano", NANO, 500),
                knight("single-knight", 400),
                image("single-flux", FLUX, 500),
                image("single-upscale", UPSCALE, 500));
    }

    /** The job whose worker is killed; its call at the provider ends before its lease can. */
    JobRequest victim() {
        return image("victim", MOTION, 1500);
    }

    JobRequest afterVictim() {
        return image("next-in-line", MOTION, 500);
    }

    private JobRequest image(String name, String model, long millis) {
        return JobRequest.normal(job(name))
                .handler(handler("image"))
                .models(model(model))
                .payload(new WorkerProcess.Task(millis))
                .build();
    }

    private JobRequest knight(String name, long millis) {
        return JobRequest.workflow(job(name), handler("knight-style-img-to-video"))
                .models(model(NANO), model(MOTION))
                .payload(new WorkerProcess.Task(millis))
                .build();
    }
}
