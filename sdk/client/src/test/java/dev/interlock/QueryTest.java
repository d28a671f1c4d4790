package dev.interlock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.Function;
import mockwebserver3.RecordedRequest;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What queries look like on the wire: every filter with any text, order, ranges, counts and single rows. */
class QueryTest extends HttpTest {

    record Row(long id) {}

    @ParameterizedTest
    @ValueSource(
            strings = {
                "plain",
                "a b",
                "a,b",
                "(a)",
                "\"quoted\"",
                "back\\slash",
                "a+b",
                "100%",
                "%2C",
                "a&b=c",
                "x#y",
                "x?y",
                "a/b;c",
                "{a}",
                "eq.a",
                "☃ 日本語 ü \uD83D\uDE00",
                "line\nbreak\ttab",
                "'; drop table jobs; --",
                "*",
                ""
            })
    void filters_carryAnyTextUnharmed(String text) throws InterruptedException {
        assertThat(filter(q -> q.eq("c", text))).isEqualTo("eq." + text);
        assertThat(filter(q -> q.neq("c", text))).isEqualTo("neq." + text);
        assertThat(filter(q -> q.gt("c", text))).isEqualTo("gt." + text);
        assertThat(filter(q -> q.gte("c", text))).isEqualTo("gte." + text);
        assertThat(filter(q -> q.lt("c", text))).isEqualTo("lt." + text);
        assertThat(filter(q -> q.lte("c", text))).isEqualTo("lte." + text);
        assertThat(filter(q -> q.like("c", text))).isEqualTo("like." + text);
        assertThat(filter(q -> q.ilike("c", text))).isEqualTo("ilike." + text);
        String quoted = "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
        assertThat(filter(q -> q.in("c", List.of(text, "z")))).isEqualTo("in.(" + quoted + ",\"z\")");
        assertThat(filter(q -> q.contains("c", List.of(text, "z")))).isEqualTo("cs.{" + quoted + ",\"z\"}");
        assertThat(filter(q -> q.not("c", "eq", text))).isEqualTo("not.eq." + text);
    }

    @Test
    void filters_carryRandomTextUnharmed() throws InterruptedException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 50; i++) {
            String text = random.ints(12, 1, 0x2FF)
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                    .toString();
            assertThat(filter(q -> q.eq("c", text))).as("seed %d", seed).isEqualTo("eq." + text);
        }
    }

    @Test
    void filters_takeOtherValuesThanText() throws InterruptedException {
        assertThat(filter(q -> q.eq("c", 42))).isEqualTo("eq.42");
        assertThat(filter(q -> q.eq("c", true))).isEqualTo("eq.true");
        assertThat(filter(q -> q.gt("c", -1.5))).isEqualTo("gt.-1.5");
        assertThat(filter(q -> q.lte("c", Instant.parse("2026-01-02T03:04:05Z"))))
                .isEqualTo("lte.2026-01-02T03:04:05Z");
        assertThat(filter(q -> q.in("c", List.of(1, 2)))).isEqualTo("in.(\"1\",\"2\")");
        assertThat(filter(q -> q.in("c", List.of()))).isEqualTo("in.()");
        assertThat(filter(q -> q.is("c", null))).isEqualTo("is.null");
        assertThat(filter(q -> q.is("c", true))).isEqualTo("is.true");
        assertThat(filter(q -> q.is("c", false))).isEqualTo("is.false");
        assertThat(filter(q -> q.contains("c", Map.of("a", "b,c")))).isEqualTo("cs.{\"a\":\"b,c\"}");
        assertThat(filter(q -> q.containsJson("c", List.of("m\"1", "m,2")))).isEqualTo("cs.[\"m\\\"1\",\"m,2\"]");
        assertThat(filter(q -> q.not("c", "in", "(failed,cancelled)"))).isEqualTo("not.in.(failed,cancelled)");
    }

    /** "neq.null" would compare with the text null, and so match every row: fatal in a delete. */
    @Test
    void filters_refuseNullWhichIsNoValue() {
        assertThatNullPointerException()
                .isThrownBy(() -> supabase.from("t").delete().neq("c", nothing()))
                .withMessageContaining("is(\"c\", null)");
        assertThatNullPointerException()
                .isThrownBy(() -> supabase.from("t").select().eq("c", nothing()));
        assertThatNullPointerException()
                .isThrownBy(() -> supabase.from("t").select().not("c", "eq", nothing()));
        assertThatNullPointerException()
                .isThrownBy(() -> supabase.from("t").select().in("c", Arrays.asList("a", nothing())));
        assertThat(server.getRequestCount()).isZero();
    }

    @Test
    void severalFiltersAndOr_areAllSent() throws InterruptedException {
        answer(200, "[]");
        supabase.from("jobs")
                .select("job_id, status")
                .eq("status", "pending")
                .gte("n", 1)
                .lt("n", 9)
                .or("status.eq.\"a,b\"", "queued_at.is.null")
                .raw();
        assertThat(target())
                .isEqualTo("/jobs?select=job_id%2C%20status&status=eq.pending&n=gte.1&n=lt.9"
                        + "&or=%28status.eq.%22a%2Cb%22%2Cqueued_at.is.null%29");
    }

    @Test
    void namesOfTablesAndColumns_areEncoded() throws InterruptedException {
        answer(200, "[]");
        supabase.from("Über Table/x?y").select().eq("a&b=c d", 1).raw();
        assertThat(target()).isEqualTo("/%C3%9Cber%20Table%2Fx%3Fy?select=*&a%26b%3Dc%20d=eq.1");
        assertThatIllegalArgumentException().isThrownBy(() -> supabase.from(" "));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> supabase.from("t").select().eq("", 1));
    }

    @Test
    void orderLimitAndRange_areSent() throws InterruptedException {
        answer(200, "[]");
        supabase.from("t")
                .select()
                .order("a")
                .orderDescending("b")
                .order("c", "desc.nullslast")
                .limit(3)
                .raw();
        assertThat(target()).isEqualTo("/t?select=*&order=a.asc%2Cb.desc%2Cc.desc.nullslast&limit=3");
        answer(200, "[]");
        supabase.from("t").select().range(1000, 1999).listOf(Row.class);
        assertThat(target()).isEqualTo("/t?select=*&offset=1000&limit=1000");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> supabase.from("t").select().range(5, 4));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> supabase.from("t").select().range(-1, 4));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> supabase.from("t").select().limit(-1));
    }

    @Test
    void schema_isTheProfileOfReadsAndWrites() throws InterruptedException {
        Table table = supabase.from("t").schema("private");
        answer(200, "[]");
        table.select().raw();
        assertThat(request().getHeaders().get("Accept-Profile")).isEqualTo("private");
        server.enqueue(answerOf(200, "").addHeader("Content-Range", "*/7").build());
        table.select().count(Count.EXACT);
        assertThat(request().getHeaders().get("Accept-Profile")).isEqualTo("private");
        answer(201, "");
        table.insert(Map.of("a", 1)).execute();
        assertThat(request().getHeaders().get("Content-Profile")).isEqualTo("private");
        answer(204, "");
        table.update(Map.of("a", 1)).eq("a", 2).execute();
        assertThat(request().getHeaders().get("Content-Profile")).isEqualTo("private");
        answer(204, "");
        table.delete().eq("a", 2).execute();
        assertThat(request().getHeaders().get("Content-Profile")).isEqualTo("private");
    }

    @Test
    void count_asksForNoRows() throws InterruptedException {
        for (Count how : Count.values()) {
            server.enqueue(
                    answerOf(200, "").addHeader("Content-Range", "0-24/3573458").build());
            assertThat(supabase.from("t").select().eq("a", 1).range(5, 9).count(how))
                    .isEqualTo(3573458);
            RecordedRequest request = request();
            assertThat(request.getMethod()).isEqualTo("GET");
            assertThat(request.getTarget()).isEqualTo("/rest/v1/t?select=*&a=eq.1&limit=0");
            assertThat(request.getHeaders().get("Prefer"))
                    .isEqualTo(Map.of(
                                    Count.EXACT,
                                    "count=exact",
                                    Count.PLANNED,
                                    "count=planned",
                                    Count.ESTIMATED,
                                    "count=estimated")
                            .get(how));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0-1/*", "nonsense", "0-1/many", "*/"})
    void count_whenTheAnswerDoesNotSay_isNotGuessed(String range) {
        server.enqueue(answerOf(200, "").addHeader("Content-Range", range).build());
        assertThatExceptionOfType(DataException.class)
                .isThrownBy(() -> supabase.from("t").select().count(Count.EXACT))
                .withMessageContaining("how many rows");
    }

    @Test
    void singleAndMaybeSingle_judgeTheNumberOfRows() {
        String[] bodies = {"[]", "[{\"id\":1}]", "[{\"id\":1},{\"id\":2}]"};
        answer(200, bodies[0]);
        assertThat(select().maybeSingle(Row.class)).isEmpty();
        answer(200, bodies[1]);
        assertThat(select().maybeSingle(Row.class)).contains(new Row(1));
        answer(200, bodies[1]);
        assertThat(select().single(Row.class)).isEqualTo(new Row(1));
        answer(200, bodies[0]);
        assertThatExceptionOfType(DataException.class)
                .isThrownBy(() -> select().single(Row.class))
                .withMessageContaining("there is none");
        for (Function<Select, Object> ask :
                List.<Function<Select, Object>>of(q -> q.single(Row.class), q -> q.maybeSingle(Row.class))) {
            answer(200, bodies[2]);
            assertThatExceptionOfType(DataException.class)
                    .isThrownBy(() -> ask.apply(select()))
                    .withMessageContaining("several");
        }
    }

    @Test
    void answersOfAnotherForm_areDataExceptions() {
        for (String body : List.of("{}", "", "null", "[1]", "[{\"id\":\"x\"}]", "[{\"id\":1}", "not JSON")) {
            answer(200, body);
            assertThatExceptionOfType(DataException.class).as(body).isThrownBy(() -> select().listOf(Row.class));
        }
    }

    private Select select() {
        return supabase.from("t").select();
    }

    /** The value of column c as the service decodes it, having checked that a strict decoder agrees. */
    private String filter(Function<Select, Select> with) throws InterruptedException {
        answer(200, "[]");
        with.apply(supabase.from("t").select("id")).raw();
        HttpUrl url = Objects.requireNonNull(request().getUrl());
        assertThat(url.querySize()).isEqualTo(2);
        String encoded = Objects.requireNonNull(url.encodedQuery());
        assertThat(encoded).startsWith("select=id&c=").doesNotContain("+");
        String value = Objects.requireNonNull(url.queryParameter("c"));
        assertThat(URLDecoder.decode(encoded.substring("select=id&c=".length()), StandardCharsets.UTF_8))
                .isEqualTo(value);
        return value;
    }

    @SuppressWarnings("NullAway") // what a caller without null checks may do
    private static Object nothing() {
        @Nullable Object nothing = null;
        return nothing;
    }
}
