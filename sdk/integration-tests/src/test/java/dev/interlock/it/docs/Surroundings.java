package dev.interlock.it.docs;

import dev.interlock.JobContext;
import dev.interlock.JobCoordinator;
import dev.interlock.JobHandler;
import dev.interlock.JobWorker;
import dev.interlock.Outcome;
import dev.interlock.StepContext;
import dev.interlock.SupabaseClient;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import org.jspecify.annotations.NullUnmarked;

/** The rest of the reader's program, which a block of the documentation takes for granted. */
@NullUnmarked
abstract class Surroundings {

    SupabaseClient supabase;
    JobCoordinator coordinator;
    JobWorker worker;
    Provider provider;
    Object prompt;
    Object webhook;
    String jobId;
    int index;
    long token;
    String first;
    String second;
    CountDownLatch done;

    record Webhook(String url) {}

    record Image(String url) {}

    record Video(String url) {}

    static class BadPrompt extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    static class BadPromptException extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    static class QuotaException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Instant resetsAt() {
            return Instant.EPOCH;
        }
    }

    interface Provider {
        <T> Future<T> generate(Object prompt, String idempotencyKey);

        String submit(Object prompt, String hook, String key);

        int retryAfter();
    }

    abstract Object generate(JobContext job);

    abstract Outcome video(JobContext job);

    abstract Object draw(Object prompt);

    abstract Object upscale(Object image);

    abstract Object animate(Object image, String key);

    abstract Object animate(StepContext step);

    abstract boolean small(Object image);

    abstract JobHandler handler();
}
