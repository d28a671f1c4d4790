package dev.interlock.benchmarks.peers;

import com.zaxxer.hikari.HikariDataSource;
import dev.interlock.benchmarks.Bench;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jobrunr.jobs.lambdas.JobRequest;
import org.jobrunr.jobs.lambdas.JobRequestHandler;
import org.jobrunr.jobs.mappers.JobMapper;
import org.jobrunr.scheduling.JobRequestScheduler;
import org.jobrunr.server.BackgroundJobServer;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.server.JobActivator;
import org.jobrunr.storage.sql.postgres.PostgresStorageProvider;
import org.jobrunr.utils.mapper.JsonMapper;
import org.jobrunr.utils.mapper.jackson3.Jackson3JsonMapper;

/**
 * JobRunr's free edition: {@code andWorkerCount(20)} (its own number is eight a core), {@code andPollInterval} of 5 seconds, the smallest that it
 * takes on a SQL database; jobs enter by {@code enqueue(Stream)}, which saves them in batches. A worker that becomes idle looks for more at once.
 */
final class JobRunr implements Contestant {

    private final HikariDataSource pool;
    private final PostgresStorageProvider storage;
    private final JsonMapper json = new Jackson3JsonMapper();
    private final JobRequestScheduler scheduler;

    JobRunr(Bench bench) throws Exception {
        pool = Pool.open(bench, "jobrunr");
        storage = new PostgresStorageProvider(pool);
        storage.setJobMapper(new JobMapper(json));
        scheduler = new JobRequestScheduler(storage);
    }

    @Override
    public String name() {
        return "JobRunr";
    }

    @Override
    public String unfinished() {
        return "select count(*) from jobrunr.jobrunr_jobs where state in ('ENQUEUED', 'PROCESSING')";
    }

    @Override
    public void enqueue(List<String> jobs) {
        if (jobs.size() == 1) {
            scheduler.enqueue(new NoOp(jobs.get(0)));
        } else {
            scheduler.enqueue(jobs.stream().map(NoOp::new));
        }
    }

    @Override
    public Running run(Consumer<String> begun) {
        JobActivator activator = new JobActivator() {
            @Override
            public <T> T activateJob(Class<T> type) {
                return type.cast(new Handler(begun));
            }
        };
        BackgroundJobServer server = new BackgroundJobServer(
                storage,
                json,
                activator,
                BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                        .andPollInterval(Duration.ofSeconds(5))
                        .andWorkerCount(Pool.THREADS));
        server.start();
        return server::stop;
    }

    @Override
    public void close() {
        storage.close();
        pool.close();
    }

    /** A job with nothing but an id. */
    public record NoOp(String id) implements JobRequest {
        @Override
        public Class<Handler> getJobRequestHandler() {
            return Handler.class;
        }
    }

    /** Tells that it begins. */
    public static final class Handler implements JobRequestHandler<NoOp> {

        private final Consumer<String> begun;

        Handler(Consumer<String> begun) {
            this.begun = begun;
        }

        @Override
        public void run(NoOp job) {
            begun.accept(job.id());
        }
    }
}
