package dev.interlock.benchmarks.peers;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerClient;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import com.zaxxer.hikari.HikariDataSource;
import dev.interlock.benchmarks.Bench;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * db-scheduler, as its page on performance (docs/performance.md) had its best throughput on four cores: {@code pollUsingLockAndFetch(4.0, 20.0)}
 * with {@code threads(20)}; jobs enter by {@code scheduleBatch}. It looks for new ones each {@code pollingInterval} of 100 ms, as all here do.
 */
final class DbScheduler implements Contestant {

    private static final String NAME = "no-op";

    private final HikariDataSource pool;
    private final SchedulerClient client;

    DbScheduler(Bench bench) throws Exception {
        pool = Pool.open(bench, "db_scheduler");
        bench.executeResource("db-scheduler.sql");
        client = SchedulerClient.Builder.create(pool, task(id -> {})).build();
    }

    @Override
    public String name() {
        return "db-scheduler";
    }

    @Override
    public String unfinished() {
        return "select count(*) from db_scheduler.scheduled_tasks";
    }

    @Override
    public void enqueue(List<String> jobs) {
        List<TaskInstance<?>> instances = new ArrayList<>();
        jobs.forEach(id -> instances.add(new TaskInstance<Void>(NAME, id)));
        client.scheduleBatch(instances, Instant.now());
    }

    @Override
    public Running run(Consumer<String> begun) {
        Scheduler scheduler = Scheduler.create(pool, task(begun))
                .threads(Pool.THREADS)
                .pollUsingLockAndFetch(4.0, 20.0)
                .pollingInterval(Duration.ofMillis(100))
                .build();
        scheduler.start();
        return scheduler::stop;
    }

    private static OneTimeTask<Void> task(Consumer<String> begun) {
        return Tasks.oneTime(NAME).execute((instance, context) -> begun.accept(instance.getId()));
    }

    @Override
    public void close() {
        pool.close();
    }
}
