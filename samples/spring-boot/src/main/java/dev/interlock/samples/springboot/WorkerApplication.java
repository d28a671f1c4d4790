package dev.interlock.samples.springboot;

import dev.interlock.JobCoordinator;
import dev.interlock.JobWorker;
import dev.interlock.Outcome;
import dev.interlock.SupabaseClient;
import dev.interlock.micrometer.WorkerMetrics;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/** The application: the client, the coordinator and the worker are beans like any other. */
@SpringBootApplication
public class WorkerApplication {

    /** What a job asks for. */
    record Prompt(String text) {}

    /** What a job made. */
    record Image(String url) {}

    /** Starts the application, which runs until it is told to end. */
    public static void main(String[] args) {
        SpringApplication.run(WorkerApplication.class, args);
    }

    @Bean
    SupabaseClient supabase(@Value("${supabase.url}") String url, @Value("${supabase.secret-key}") String secretKey) {
        return SupabaseClient.create(url, secretKey);
    }

    @Bean
    JobCoordinator coordinator(SupabaseClient supabase) {
        return JobCoordinator.create(supabase);
    }

    /** Not started here: {@link WorkerLifecycle} does that when everything else is ready. */
    @Bean
    JobWorker worker(
            JobCoordinator coordinator, MeterRegistry registry, @Value("${app.image-handler:image}") String handler) {
        return JobWorker.builder(coordinator)
                .handle(
                        handler,
                        Prompt.class,
                        (prompt, job) -> Outcome.complete(new Image("https://example.com/" + prompt.text() + ".png")))
                .concurrency(4)
                .closeGrace(Duration.ofSeconds(20))
                .listener(new WorkerMetrics(registry))
                .build();
    }
}
