package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.JobContext;
import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.JobWorker;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.OutcomeStatus;
import dev.interlock.RetryOptions;
import dev.interlock.SupabaseClient;
import dev.interlock.WorkerListener;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Interceptor;
import okhttp3.OkHttpClient;
import okhttp3.Response;
import org.junit.jupiter.api.Test;

/** Several workers on wires that lose requests and answers, over jobs that share models. */
class WorkerFleetTest extends CoordinatorTestBase {
    private static final int JOBS = 300;
    private static final int WORKERS = 4;
    private static final double LOSS = 0.1;

    private final ConcurrentMap<String, AtomicInteger> inside = new ConcurrentHashMap<>();
    private final Queue<String> collisions = new ConcurrentLinkedQueue<>();
    private final Queue<String> effects = new ConcurrentLinkedQueue<>();
    private final Queue<OutcomeStatus> statuses = new ConcurrentLinkedQueue<>();
    private final CountDownLatch done = new CountDownLatch(JOBS);

    @Test
    void fleetOnLossyWires_runsEachJobOnceAndNoTwoOnOneModelAtOnce() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<JobRequest> jobs = new ArrayList<>();
        for (int i = 0; i < JOBS; i++) {
            String[] models = random.nextInt(3) == 0
                    ? new String[] {"m" + random.nextInt(8), "m" + random.nextInt(8)}
                    : new String[] {"m" + random.nextInt(8)};
            jobs.add(job("j" + i, models).build());
        }
        others.enqueueAll(jobs);

        List<JobWorker> workers = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) {
            workers.add(worker(i, random.nextLong()));
        }
        workers.forEach(JobWorker::start);
        await(done);

        assertThat(collisions).as("seed %s", seed).isEmpty();
        assertThat(effects).as("seed %s", seed).hasSize(JOBS).doesNotHaveDuplicates();
        assertThat(statuses).as("seed %s", seed).containsOnly(OutcomeStatus.COMPLETED);
    }

    private Outcome run(JobContext job) {
        for (String model : job.models()) {
            if (inside.computeIfAbsent(model, m -> new AtomicInteger()).incrementAndGet() > 1) {
                collisions.add(model + " by " + job.jobId());
            }
        }
        effects.add(job.jobId());
        for (String model : job.models()) {
            inside.getOrDefault(model, new AtomicInteger()).decrementAndGet();
        }
        return Outcome.complete(Map.of("attempt", job.attempt()));
    }

    private JobWorker worker(int number, long seed) {
        SupabaseClient client = closing(SupabaseClient.builder()
                .url(local.url())
                .key(local.secretKey())
                .retry(new RetryOptions(2, Duration.ofMillis(5), Duration.ofMillis(20)))
                .httpClient(new OkHttpClient.Builder()
                        .addInterceptor(lossy(new Random(seed)))
                        .build())
                .build());
        return closing(JobWorker.builder(JobCoordinator.create(client))
                .workerId(name("worker" + number))
                .concurrency(3)
                .pollInterval(Duration.ofMillis(10), Duration.ofMillis(100))
                .handle(name("handler"), this::run)
                .listener(new WorkerListener() {
                    @Override
                    public void jobFinished(Lease lease, Outcome outcome, OutcomeStatus status) {
                        statuses.add(status);
                        done.countDown();
                    }
                })
                .build());
    }

    private static Interceptor lossy(Random random) {
        return chain -> {
            double chance;
            synchronized (random) {
                chance = random.nextDouble();
            }
            if (chance < LOSS / 2) {
                throw new IOException("The request was lost.");
            }
            Response response = chain.proceed(chain.request());
            if (chance < LOSS) {
                response.close();
                throw new IOException("The answer was lost.");
            }
            return response;
        };
    }
}
