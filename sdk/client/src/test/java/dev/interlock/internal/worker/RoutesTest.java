package dev.interlock.internal.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.ClaimRequest;
import dev.interlock.JobHandler;
import dev.interlock.JobType;
import dev.interlock.Lease;
import dev.interlock.Outcome;
import dev.interlock.SupabaseClient;
import dev.interlock.internal.coordination.Calls;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RoutesTest {
    private static final Duration LEASE = Duration.ofSeconds(30);
    private static final JobHandler IMAGE = job -> Outcome.complete();
    private static final JobHandler VIDEO = job -> Outcome.complete();
    private static final Map<String, JobHandler> CODE = Map.of("image", IMAGE, "video", VIDEO);

    @Test
    void claim_whenNoHandlerHasALimit_namesThemAll() {
        ClaimRequest claim = claim(new Routes(CODE, false, Map.of()), 5);

        assertThat(claim.maxJobs()).isEqualTo(5);
        assertThat(claim.handlers()).containsExactlyInAnyOrder("image", "video");
        assertThat(claim.handlerLimits()).isEmpty();
    }

    @Test
    void claim_whenAHandlerHasALimit_asksForNoMoreThanMayStart() {
        Routes routes = new Routes(CODE, false, Map.of("video", 2));

        assertThat(claim(routes, 5).handlerLimits()).containsOnly(Map.entry("image", 5), Map.entry("video", 2));
        assertThat(claim(routes, 5, "image", "video").handlerLimits())
                .containsOnly(Map.entry("image", 5), Map.entry("video", 1));
        assertThat(claim(routes, 1).handlerLimits()).containsOnly(Map.entry("image", 1), Map.entry("video", 1));
        // Still named: it is there for these jobs, and they wait for it.
        assertThat(claim(routes, 5, "video", "video", "video").handlerLimits())
                .containsOnly(Map.entry("image", 5), Map.entry("video", 0));
    }

    @Test
    void claim_whenEveryHandlerIsAtItsLimit_isNone() {
        Routes routes = new Routes(CODE, false, Map.of("video", 1, "image", 2));

        assertThat(routes.claim(5, LEASE, runs("video", "image", "image"))).isNull();
    }

    @Test
    void codeFor_goesByTheFirstModelWhereItGoesByModels() {
        Routes routes = new Routes(CODE, true, Map.of());

        assertThat(routes.codeFor(lease("any", "video", "image"))).isSameAs(VIDEO);
        assertThat(routes.codeFor(lease("video", "unknown"))).isNull();
        assertThat(routes.codeFor(lease("video"))).isNull();
        assertThat(claim(routes, 3).models()).containsExactlyInAnyOrder("image", "video");
        assertThat(claim(routes, 3).handlers()).isEmpty();
    }

    @Test
    void codeFor_goesByTheHandlerElse() {
        Routes routes = new Routes(CODE, false, Map.of());

        assertThat(routes.codeFor(lease("video", "image"))).isSameAs(VIDEO);
        assertThat(routes.codeFor(lease("unknown", "image"))).isNull();
    }

    private static ClaimRequest claim(Routes routes, int jobs, String... held) {
        return Objects.requireNonNull(routes.claim(jobs, LEASE, runs(held)));
    }

    private static List<Run> runs(String... handlers) {
        List<Run> runs = new ArrayList<>();
        for (String handler : handlers) {
            runs.add(run(lease(handler, "m")));
        }
        return runs;
    }

    static Run run(Lease lease) {
        SupabaseClient nobody = SupabaseClient.create("https://example.supabase.co", "sb_secret_" + "x".repeat(31));
        return new Run(lease, new LeaseClock(LEASE, 0), new Calls(nobody, null), Runnable::run);
    }

    static Lease lease(String handler, String... models) {
        @Nullable String payload = null;
        return new Lease(
                "job",
                JobType.NORMAL,
                handler,
                List.of(models),
                1,
                3,
                1,
                "worker",
                LEASE,
                Instant.EPOCH,
                Instant.EPOCH,
                Instant.EPOCH,
                payload,
                null);
    }
}
