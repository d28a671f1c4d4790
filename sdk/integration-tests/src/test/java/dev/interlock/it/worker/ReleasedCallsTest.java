package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.AwaitCallback;
import dev.interlock.Claim;
import dev.interlock.ClaimRequest;
import dev.interlock.Heartbeat;
import dev.interlock.Holding;
import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.Lease;
import dev.interlock.LimitSettings;
import dev.interlock.Migrator;
import dev.interlock.ModelSettings;
import dev.interlock.StartResult;
import dev.interlock.SupabaseClient;
import dev.interlock.testing.LocalSupabase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.Test;

/**
 * An SDK of an earlier release with the present SQL. A release records its calls with {@code -Dinterlock.record=VERSION}; a record is never written
 * again.
 */
class ReleasedCallsTest {

    @Test
    void whatReleasedSdksSendIsAnsweredAsItWas() throws Exception {
        record();
        List<Path> files;
        try (Stream<Path> found = Files.list(ReleasedCalls.file("x").getParent())) {
            files = found.sorted().toList();
        }
        assertThat(files).isNotEmpty();
        for (Path file : files) {
            try (LocalSupabase local = installed()) {
                assertThat(ReleasedCalls.replay(file, local.url(), local.secretKey()))
                        .as(file.toString())
                        .isEmpty();
            }
        }
    }

    private static void record() throws Exception {
        String version = System.getProperty("interlock.record");
        if (version == null) {
            return;
        }
        Path file = ReleasedCalls.file(version);
        assertThat(file).as("a record is never written again").doesNotExist();
        ReleasedCalls.Recorder recorder = new ReleasedCalls.Recorder();
        try (LocalSupabase local = installed();
                SupabaseClient supabase = SupabaseClient.builder()
                        .url(local.url())
                        .key(local.secretKey())
                        .httpClient(new OkHttpClient.Builder()
                                .addInterceptor(recorder)
                                .build())
                        .build()) {
            live(JobCoordinator.builder(supabase).workerId("w-1").build());
        }
        recorder.write(file);
    }

    private static LocalSupabase installed() {
        LocalSupabase local = LocalSupabase.start();
        local.installExecSql();
        try (SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey())) {
            Migrator.create(supabase).migrate();
        }
        return local;
    }

    /** Every call that the SDK can make, in a life that reaches most of the answers. */
    private static void live(JobCoordinator coordinator) {
        coordinator.setModel("a", ModelSettings.capacity(1));
        coordinator.setModel("b", ModelSettings.startsPerMinute(1000));
        coordinator.limits();
        coordinator.setLimits(LimitSettings.builder().maxActiveJobs(50).build());
        coordinator.enqueueAll(List.of(
                JobRequest.normal("j-1")
                        .handler("image")
                        .models("a")
                        .payload(Map.of("p", 1))
                        .build(),
                JobRequest.normal("j-2")
                        .handler("image")
                        .models("a", "b")
                        .priority(2)
                        .build(),
                JobRequest.normal("j-3")
                        .handler("video")
                        .models("a")
                        .maxAttempts(1)
                        .build(),
                JobRequest.workflow("w-1", "flow")
                        .step("one", "c")
                        .step("two", "d")
                        .holding(Holding.PER_STEP)
                        .build()));
        coordinator.enqueue(
                JobRequest.normal("j-1").handler("image").models("a").build());

        StartResult waits =
                coordinator.start(JobRequest.normal("j-4").models("a").build());
        assertThat(waits).isInstanceOf(StartResult.Queued.class);
        StartResult runs =
                coordinator.start(JobRequest.normal("j-5").models("e").build());
        Lease direct = ((StartResult.Started) runs).lease();
        coordinator.heartbeat(direct);

        Claim claim = coordinator.claim(ClaimRequest.builder(5)
                .handlers("image", "flow")
                .lease(Duration.ofSeconds(60))
                .build());
        assertThat(claim.leases()).hasSize(2);
        Lease image = lease(claim, "j-2");
        Lease flow = lease(claim, "w-1");
        coordinator.heartbeatAll(List.of(Heartbeat.of(image), Heartbeat.of(flow)), Duration.ofSeconds(60));
        coordinator.releaseModels(image, "b");
        coordinator.explain("j-1");
        coordinator.explain("j-2");
        coordinator.completeAll(List.of(), ClaimRequest.of(1));
        coordinator.complete(image, Map.of("url", "u"));

        coordinator.checkpoint(flow, 0, "first");
        coordinator.awaitCallback(flow, 1, AwaitCallback.within(Duration.ofMinutes(1)));
        coordinator.callback("w-1", 1, Map.of("done", true));
        coordinator.awaitCallback(flow, 1, AwaitCallback.within(Duration.ofMinutes(1)));
        coordinator.checkpoint(flow, 1, "second");
        coordinator.complete(flow);
        coordinator.explain("w-1");

        Claim more = coordinator.claim(1);
        coordinator.retry(more.leases().get(0), "busy", Duration.ofHours(1));
        Claim video = coordinator.claim(1);
        coordinator.fail(video.leases().get(0), "broken");
        coordinator.retry(video.leases().get(0).jobId(), 2);
        coordinator.release(direct);
        coordinator.reprioritize("j-4", 3);
        coordinator.cancel("j-4", "not needed");
        coordinator.setModel("e", ModelSettings.pause());
        coordinator.setModel("e", ModelSettings.resume());
        coordinator.status();
        coordinator.metrics(Duration.ofHours(1));
        coordinator.replay();
        coordinator.sweep();
        coordinator.version();
    }

    private static Lease lease(Claim claim, String jobId) {
        return claim.leases().stream()
                .filter(lease -> lease.jobId().equals(jobId))
                .findFirst()
                .orElseThrow();
    }
}
