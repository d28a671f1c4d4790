package dev.interlock.benchmarks.peers;

import com.zaxxer.hikari.HikariDataSource;
import dev.dbos.transact.DBOS;
import dev.dbos.transact.DBOSClient;
import dev.dbos.transact.config.DBOSConfig;
import dev.dbos.transact.workflow.Queue;
import dev.dbos.transact.workflow.Workflow;
import dev.interlock.benchmarks.Bench;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/**
 * DBOS Transact for Java, a milestone: a queue with {@code withWorkerConcurrency}, which its tutorial on queues advises so that a process does not
 * take more than it can run, and {@code withPollingInterval} of 100 ms (its own is a second). Jobs enter one by one, for it has no batch: by a
 * {@code DBOSClient} on as many threads as there are connections.
 */
final class Dbos implements Contestant {

    private static final String QUEUE = "bench";
    private static final String VERSION = "1";

    /** More than threads, for it starts more only once a polling interval. */
    private static final int AT_ONCE = 400;

    private final HikariDataSource pool;
    private final DBOSClient client;
    private final ExecutorService threads = Executors.newFixedThreadPool(Pool.THREADS);

    Dbos(Bench bench) throws Exception {
        pool = Pool.open(bench, "dbos");
        // Makes its tables.
        launch(id -> {}).close();
        client = new DBOSClient(pool, "dbos");
    }

    @Override
    public String name() {
        return "DBOS";
    }

    @Override
    public String unfinished() {
        return "select count(*) from dbos.workflow_status where status in ('ENQUEUED', 'PENDING')";
    }

    @Override
    public void enqueue(List<String> jobs) throws Exception {
        List<Future<?>> all = new ArrayList<>();
        for (String id : jobs) {
            all.add(threads.submit(() -> client.enqueueWorkflow(
                    new DBOSClient.EnqueueOptions("run", NoOpWorkflow.class.getName(), QUEUE)
                            .withWorkflowId(id)
                            .withAppVersion(VERSION),
                    new Object[] {id})));
        }
        for (Future<?> one : all) {
            one.get();
        }
    }

    @Override
    public Running run(Consumer<String> begun) {
        return launch(begun)::close;
    }

    private DBOS launch(Consumer<String> begun) {
        DBOS dbos = new DBOS(DBOSConfig.defaults("bench")
                .withDataSource(pool)
                .withDatabaseSchema("dbos")
                .withAppVersion(VERSION));
        dbos.registerQueue(new Queue(QUEUE).withWorkerConcurrency(AT_ONCE).withPollingInterval(Duration.ofMillis(100)));
        dbos.registerProxy(NoOp.class, new NoOpWorkflow(begun));
        dbos.launch();
        return dbos;
    }

    @Override
    public void close() {
        threads.shutdownNow();
        client.close();
        pool.close();
    }

    /** What it makes a proxy for. */
    public interface NoOp {
        void run(String id);
    }

    /** A workflow without steps: the least that it can keep of a job. */
    public static final class NoOpWorkflow implements NoOp {

        private final Consumer<String> begun;

        NoOpWorkflow(Consumer<String> begun) {
            this.begun = begun;
        }

        @Workflow(name = "run")
        @Override
        public void run(String id) {
            begun.accept(id);
        }
    }
}
