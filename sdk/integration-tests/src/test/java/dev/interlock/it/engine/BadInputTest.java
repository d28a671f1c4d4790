package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.BadRequestException;
import dev.interlock.ConfigurationException;
import dev.interlock.ExecSqlMissingException;
import dev.interlock.JobCoordinator;
import dev.interlock.JobRequest;
import dev.interlock.Migrator;
import dev.interlock.SchemaMismatchException;
import dev.interlock.SupabaseClient;
import dev.interlock.UnauthorizedException;
import dev.interlock.testing.LocalSupabase;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Bad input: each has its own clear error, and nothing changes. */
class BadInputTest extends EngineTest {

    static Stream<Arguments> refused() {
        Map<String, Object> good = Map.of("job_id", "a", "models", List.of("m"));
        String long201 = "x".repeat(201);
        return Stream.of(
                startWith("JQ001", Map.of("job_id", "", "models", List.of("m"))),
                startWith("JQ001", Map.of("job_id", "   ", "models", List.of("m"))),
                startWith("JQ001", Map.of("job_id", long201, "models", List.of("m"))),
                startWith("JQ003", with(good, Map.of("job_type", "film"))),
                startWith("JQ003", with(good, Map.of("handler", " "))),
                startWith("JQ004", with(good, Map.of("lease_seconds", 0))),
                startWith("JQ004", with(good, Map.of("lease_seconds", 31_536_000))),
                startWith("JQ004", with(good, Map.of("lease_seconds", "soon"))),
                startWith("JQ005", with(good, Map.of("payload", "x".repeat(5 * 1024 * 1024)))),
                startWith("JQ007", with(good, Map.of("priority", 1000))),
                startWith("JQ007", with(good, Map.of("priority", 1.5))),
                startWith("JQ007", with(good, Map.of("max_attempts", 0))),
                startWith("JQ007", with(good, Map.of("run_at", "tomorrow"))),
                startWith("JQ007", with(good, Map.of("leaseSeconds", 30))),
                startWith("JQ010", with(good, Map.of("request_id", " "))),
                Arguments.of("JQ007", "job_queue_enqueue", Map.of("jobs", List.of())),
                Arguments.of("JQ007", "job_queue_enqueue", Map.of("jobs", "a")),
                Arguments.of("JQ001", "job_queue_enqueue", Map.of("jobs", List.of(good, good))),
                Arguments.of("JQ006", "job_queue_explain", Map.of("job_id", "nobody")),
                Arguments.of("JQ006", "job_queue_cancel", Map.of("job_id", "nobody")),
                Arguments.of("JQ007", "job_queue_claim", Map.of("worker_id", "", "max_jobs", 1)),
                Arguments.of("JQ007", "job_queue_claim", Map.of("worker_id", "w", "max_jobs", 0)),
                Arguments.of("JQ007", "job_queue_complete", Map.of("outcomes", Map.of())),
                outcome(Map.of("job_id", "a", "token", 1, "outcome", "finish")),
                outcome(Map.of("job_id", "a", "outcome", "complete")),
                outcome(Map.of("job_id", "a", "token", "1", "outcome", "complete")),
                Arguments.of("JQ007", "job_queue_set_model", Map.of("model", "m", "settings", Map.of("capacity", -1))),
                Arguments.of("JQ002", "job_queue_set_model", Map.of("model", "", "settings", Map.of("capacity", 1))),
                Arguments.of("JQ007", "job_queue_set_limits", Map.of("settings", Map.of("max_active_jobs", 0))));
    }

    private static Arguments startWith(String code, Map<String, ?> arguments) {
        return Arguments.of(code, "job_queue_start", arguments);
    }

    private static Arguments outcome(Map<String, ?> outcome) {
        return Arguments.of("JQ007", "job_queue_complete", Map.of("outcomes", List.of(outcome)));
    }

    private static Map<String, Object> with(Map<String, Object> arguments, Map<String, ?> options) {
        return Map.of("job_id", arguments.get("job_id"), "models", arguments.get("models"), "options", options);
    }

    @ParameterizedTest
    @MethodSource("refused")
    @DisplayName("Refused with its code, a message and a hint; nothing changes")
    void refusedWithItsCode(String code, String function, Map<String, ?> arguments) throws Exception {
        assertThatThrownBy(() -> queue.call(function, arguments))
                .isInstanceOfSatisfying(BadRequestException.class, e -> {
                    assertThat(e.code()).isEqualTo(code);
                    assertThat(e.serverMessage()).isNotBlank();
                    assertThat(e.hint()).isNotBlank();
                });

        assertThat(rows("select job_id from public.job_queue_jobs")).isEmpty();
        assertThat(rows("select id::text from public.job_queue_log")).isEmpty();
        assertThat(rows("select model from public.job_queue_models where model <> ''"))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"it's \"quoted\"", "süß-ключ-鍵-🔑", "a,b(c){d}", "' ; drop table jobs; --", "%2F+&=?#"})
    @DisplayName("Ids and models of any characters work")
    void anyCharacters(String name) {
        long token = queue.startNow(name, name);
        queue.start("other", name);

        assertThat(queue.explain("other").path("blocked_by_job_id").asString()).isEqualTo(name);
        assertThat(queue.complete(name, token)).isEqualTo("completed");
    }

    @Test
    @DisplayName("An unknown model is refused where the queue is set so")
    void unknownModel() throws Exception {
        queue.setLimits(Map.of("unknown_models", "refuse"));
        queue.setModel("known", Map.of("capacity", 1));

        assertThatThrownBy(() -> queue.start("a", "unknown"))
                .isInstanceOfSatisfying(
                        BadRequestException.class, e -> assertThat(e.code()).isEqualTo("JQ008"));
        assertThat(queue.start("b", "known").path("result").asString()).isEqualTo("started");
        assertThat(rows("select job_id from public.job_queue_jobs")).containsExactly("b");
    }

    @Test
    @DisplayName("Someone else's token, and a job that does not run, are told apart and change nothing")
    void tokens() {
        long token = queue.startNow("a", "m");
        queue.start("b", "m");

        assertThat(queue.complete("a", token + 1)).isEqualTo("stale");
        assertThat(queue.complete("b", token)).isEqualTo("not_running");
        assertThat(queue.status("a")).isEqualTo("running");
        JsonNode beat = queue.call(
                "job_queue_heartbeat",
                Map.of("worker_id", "w", "leases", List.of(Map.of("job_id", "a", "token", token + 1))));
        assertThat(beat.path("leases").path(0).path("result").asString()).isEqualTo("lost");
    }

    @Test
    @DisplayName("Wrong, anon and publishable keys are refused, each with its reason")
    void keys() {
        SupabaseClient wrong = SupabaseClient.create(local.url(), "sb_secret_wrongwrongwrongwrongwr_12345678");
        assertThatThrownBy(() -> JobCoordinator.create(wrong).status())
                .isInstanceOf(UnauthorizedException.class)
                .hasMessageContaining("Invalid API key");
        SupabaseClient publishable = SupabaseClient.create(local.url(), local.publishableKey());
        assertThatThrownBy(() -> Migrator.create(publishable))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("secret");
        SupabaseClient anon = SupabaseClient.create(local.url(), local.anonKey());
        assertThatThrownBy(() -> JobCoordinator.create(anon)).isInstanceOf(ConfigurationException.class);
    }

    @Test
    @DisplayName("Without migrations, and without exec_sql, the error says what to do")
    void nothingInstalled() {
        try (LocalSupabase empty = LocalSupabase.start();
                SupabaseClient supabase = SupabaseClient.create(empty.url(), empty.secretKey())) {
            assertThatThrownBy(() -> JobCoordinator.create(supabase)
                            .start(JobRequest.normal("a").models("m").build()))
                    .isInstanceOf(SchemaMismatchException.class)
                    .hasMessageContaining("igrat");
            assertThatThrownBy(() -> Migrator.create(supabase).migrate())
                    .isInstanceOf(ExecSqlMissingException.class)
                    .hasMessageContaining("SQL Editor")
                    .hasMessageContaining("create or replace function public.exec_sql");
            assertThatThrownBy(() -> supabase.rpc("no_such_function").execute())
                    .isInstanceOf(SchemaMismatchException.class);
        }
    }
}
