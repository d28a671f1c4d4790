package dev.interlock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.Test;

/** What inserts, upserts, updates and deletes look like on the wire. */
class WriteTest extends HttpTest {

    record Row(long id, String name) {}

    @Test
    void insert_ofOneRow_postsIt() throws InterruptedException {
        answer(201, "");
        supabase.from("t").insert(Map.of("name", "ü \"x\"")).execute();
        RecordedRequest request = request();
        assertThat(request.getMethod()).isEqualTo("POST");
        assertThat(request.getTarget()).isEqualTo("/rest/v1/t");
        assertThat(request.getHeaders().get("Prefer")).isEqualTo("return=minimal");
        assertThat(request.getHeaders().get("Content-Type")).startsWith("application/json");
        assertThat(body(request)).isEqualTo("{\"name\":\"ü \\\"x\\\"\"}");
    }

    @Test
    void insert_ofSeveralMaps_namesAllTheirColumns() throws InterruptedException {
        answer(201, "[{\"id\":1,\"name\":\"a\"},{\"id\":2,\"name\":\"b\"}]");
        assertThat(supabase.from("t")
                        .insert(List.of(Map.of("id", 1), Map.of("na,me", "b")))
                        .defaultForMissing()
                        .returning(Row.class))
                .containsExactly(new Row(1, "a"), new Row(2, "b"));
        RecordedRequest request = request();
        assertThat(request.getTarget()).isEqualTo("/rest/v1/t?columns=%22id%22%2C%22na%2Cme%22");
        assertThat(preferences(request)).containsExactlyInAnyOrder("return=representation", "missing=default");
        assertThat(body(request)).isEqualTo("[{\"id\":1},{\"na,me\":\"b\"}]");
    }

    @Test
    void insert_ofRecords_postsThem() throws InterruptedException {
        answer(201, "");
        supabase.from("t").insert(List.of(new Row(1, "a"), new Row(2, "b"))).execute();
        RecordedRequest request = request();
        assertThat(request.getTarget()).isEqualTo("/rest/v1/t");
        assertThat(body(request)).isEqualTo("[{\"id\":1,\"name\":\"a\"},{\"id\":2,\"name\":\"b\"}]");
    }

    @Test
    void upsert_namesTheConflictAndTheResolution() throws InterruptedException {
        answer(201, "");
        supabase.from("t").upsert(new Row(1, "a"), "id,name").execute();
        RecordedRequest request = request();
        assertThat(request.getMethod()).isEqualTo("POST");
        assertThat(request.getTarget()).isEqualTo("/rest/v1/t?on_conflict=id%2Cname");
        assertThat(preferences(request)).containsExactlyInAnyOrder("return=minimal", "resolution=merge-duplicates");
        answer(201, "[]");
        assertThat(supabase.from("t")
                        .insertIgnoringDuplicates(List.of(Map.of("id", 1)), "id")
                        .returning(Row.class))
                .isEmpty();
        request = request();
        assertThat(request.getTarget()).isEqualTo("/rest/v1/t?on_conflict=id&columns=%22id%22");
        assertThat(preferences(request))
                .containsExactlyInAnyOrder("return=representation", "resolution=ignore-duplicates");
    }

    @Test
    void update_patchesWhatTheFiltersMatch() throws InterruptedException {
        answer(200, "[{\"id\":1,\"name\":\"b\"}]");
        assertThat(supabase.from("t").update(Map.of("name", "b")).eq("id", 1).returning(Row.class))
                .containsExactly(new Row(1, "b"));
        RecordedRequest request = request();
        assertThat(request.getMethod()).isEqualTo("PATCH");
        assertThat(request.getTarget()).isEqualTo("/rest/v1/t?id=eq.1");
        assertThat(preferences(request)).containsExactly("return=representation");
        assertThat(body(request)).isEqualTo("{\"name\":\"b\"}");
    }

    @Test
    void delete_deletesWhatTheFiltersMatch() throws InterruptedException {
        answer(204, "");
        supabase.from("t").delete().in("id", List.of(1, 2)).execute();
        RecordedRequest request = request();
        assertThat(request.getMethod()).isEqualTo("DELETE");
        assertThat(request.getTarget()).isEqualTo("/rest/v1/t?id=in.%28%221%22%2C%222%22%29");
        assertThat(preferences(request)).containsExactly("return=minimal");
        answer(200, "[{\"id\":1,\"name\":\"a\"}]");
        assertThat(supabase.from("t").delete().is("name", null).returning(Row.class))
                .containsExactly(new Row(1, "a"));
        assertThat(preferences(request())).containsExactly("return=representation");
    }

    /** PostgREST 12 answers a write into a table that it does not know with nothing but 404 and {}. */
    @Test
    void aTableNotKnownYet_isWaitedFor() {
        answer(404, "{}");
        assertThatExceptionOfType(SchemaMismatchException.class)
                .isThrownBy(() -> supabase.from("t").insert(Map.of("a", 1)).execute());
        answer(404, "{}");
        answer(201, "");
        supabase.from("t")
                .insert(Map.of("a", 1))
                .waitForSchema(Duration.ofSeconds(20))
                .execute();
        answer(404, "{}");
        answer(204, "");
        supabase.from("t")
                .delete()
                .eq("a", 1)
                .waitForSchema(Duration.ofSeconds(20))
                .execute();
        assertThat(server.getRequestCount()).isEqualTo(5);
    }

    @Test
    void updateAndDelete_withoutFilter_areRefusedAndSendNothing() {
        Table table = supabase.from("t");
        assertThatIllegalStateException()
                .isThrownBy(() -> table.update(Map.of("a", 1)).execute())
                .withMessageContaining("filter");
        assertThatIllegalStateException()
                .isThrownBy(() -> table.update(Map.of("a", 1)).returning(Row.class));
        assertThatIllegalStateException().isThrownBy(() -> table.delete().execute());
        assertThatIllegalStateException().isThrownBy(() -> table.delete().returning(Row.class));
        assertThatIllegalArgumentException().isThrownBy(() -> table.delete().or(new String[0]));
        assertThatIllegalArgumentException().isThrownBy(() -> table.delete().or(new Condition[0]));
        assertThat(server.getRequestCount()).isZero();
    }

    private static List<String> preferences(RecordedRequest request) {
        return List.of(
                Objects.requireNonNull(request.getHeaders().get("Prefer")).split(","));
    }

    private static String body(RecordedRequest request) {
        return Objects.requireNonNull(request.getBody()).utf8();
    }
}
