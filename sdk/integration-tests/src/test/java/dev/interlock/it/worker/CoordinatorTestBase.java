package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.Migrator;
import dev.interlock.RetryOptions;
import dev.interlock.SupabaseClient;
import dev.interlock.testing.LocalSupabase;
import dev.interlock.testing.LocalSupabaseExtension;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A coordinator whose wire can be watched and broken, and another one that stands for everybody else. Every test has names
 * of its own, so that none needs an empty queue.
 */
@ExtendWith(LocalSupabaseExtension.class)
public abstract class CoordinatorTestBase {
    private static boolean installed;

    protected final Wire wire = new Wire();
    private final String suffix = "-" + UUID.randomUUID();
    private final List<AutoCloseable> toClose = new ArrayList<>();

    protected LocalSupabase local;
    protected JobCoordinator coordinator;
    protected JobCoordinator others;

    @BeforeEach
    protected final void connect(LocalSupabase local) {
        this.local = local;
        SupabaseClient plain = SupabaseClient.create(local.url(), local.serviceRoleKey());
        toClose.add(plain);
        if (!installed) {
            local.installExecSql();
            Migrator.create(plain).migrate();
            installed = true;
        }
        SupabaseClient watched = SupabaseClient.builder()
                .url(local.url())
                .key(local.serviceRoleKey())
                // Gives up soon, so that the worker's own repeats come into play.
                .retry(new RetryOptions(2, Duration.ofMillis(10), Duration.ofMillis(50)))
                .httpClient(new OkHttpClient.Builder().addInterceptor(wire).build())
                .build();
        toClose.add(watched);
        coordinator = JobCoordinator.create(watched);
        others = JobCoordinator.builder(plain).workerId("somebody else").build();
        // The contract is checked once; that call is not what the tests count.
        coordinator.status();
        wire.forget();
    }

    @AfterEach
    protected final void disconnect() throws Exception {
        wire.mend();
        for (int i = toClose.size() - 1; i >= 0; i--) {
            toClose.get(i).close();
        }
    }

    /** To be closed at the end of the test, before what was there earlier. */
    protected final <T extends AutoCloseable> T closing(T resource) {
        toClose.add(resource);
        return resource;
    }

    /** A name that no other test has. */
    protected final String name(String base) {
        return base + suffix;
    }

    /** A job of this test's own handler, on models of this test's own. */
    protected final JobRequest.Builder job(String id, String... models) {
        List<String> names = new ArrayList<>();
        for (String model : models) {
            names.add(name(model));
        }
        return JobRequest.normal(name(id)).models(names).handler(name("handler"));
    }

    /** Lets the lease of a running job have run out, as if its worker had died a lease time ago. */
    protected final void letLeaseRunOut(String jobId) throws SQLException {
        try (Connection connection = local.openConnection();
                PreparedStatement statement = connection.prepareStatement(
                        "update public.job_queue_jobs set lease_until = now() - interval '1 second' where job_id = ?")) {
            statement.setString(1, jobId);
            assertThat(statement.executeUpdate()).isOne();
        }
    }

    /** Waits for what must happen; the time only bounds how long a broken build takes. */
    protected static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(60, TimeUnit.SECONDS)).as("it happened").isTrue();
    }
}
