package dev.interlock.samples.springboot;

import dev.interlock.EnqueueResult;
import dev.interlock.JobCoordinator;
import dev.interlock.JobExplanation;
import dev.interlock.JobRequest;
import dev.interlock.JobStatus;
import dev.interlock.UnknownJobException;
import dev.interlock.samples.springboot.WorkerApplication.Image;
import dev.interlock.samples.springboot.WorkerApplication.Prompt;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Takes jobs over HTTP and tells how they are. */
@RestController
@RequestMapping("/jobs")
class JobController {

    /** What a caller asks for: a picture by a model. */
    record Order(String model, String text) {}

    /** Where a job is. */
    record Job(
            String id,
            JobStatus status,
            @Nullable Integer position,
            @Nullable String reason,
            @Nullable Image image) {}

    private final JobCoordinator coordinator;
    private final String handler;

    JobController(JobCoordinator coordinator, @Value("${app.image-handler:image}") String handler) {
        this.coordinator = coordinator;
        this.handler = handler;
    }

    @PostMapping
    @ResponseStatus(HttpStatus.ACCEPTED)
    Job order(@RequestBody Order order) {
        EnqueueResult entered =
                coordinator.enqueue(JobRequest.normal(UUID.randomUUID().toString())
                        .handler(handler)
                        .models(order.model())
                        .payload(new Prompt(order.text()))
                        .build());
        return new Job(entered.jobId(), entered.status(), entered.queuePosition(), entered.conflictReason(), null);
    }

    @GetMapping("/{id}")
    Job look(@PathVariable String id) {
        JobExplanation job = coordinator.explain(id);
        Image image = job.status() == JobStatus.COMPLETED ? job.result(Image.class) : null;
        return new Job(id, job.status(), job.queuePosition(), job.conflictReason(), image);
    }

    @ExceptionHandler
    @ResponseStatus(HttpStatus.NOT_FOUND)
    void noSuchJob(UnknownJobException e) {}
}
