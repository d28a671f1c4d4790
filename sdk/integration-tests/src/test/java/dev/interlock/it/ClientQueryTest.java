package dev.interlock.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.Condition;
import dev.interlock.Count;
import dev.interlock.RawResponse;
import dev.interlock.SchemaMismatchException;
import dev.interlock.Select;
import dev.interlock.ServerErrorException;
import dev.interlock.SupabaseClient;
import dev.interlock.Table;
import dev.interlock.testing.LocalSupabase;
import dev.interlock.testing.LocalSupabaseExtension;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The client's conditions, order, counts and defaults, as a real PostgREST takes them. */
@ExtendWith(LocalSupabaseExtension.class)
class ClientQueryTest {

    private SupabaseClient supabase;
    private Table table;

    record Row(
            long id,
            String name,
            @Nullable Integer n,
            @Nullable Boolean done,
            List<String> tags,
            JsonNode data,
            @Nullable Instant at) {}

    record Name(String name) {}

    @BeforeEach
    void connect(LocalSupabase local) throws SQLException {
        supabase = SupabaseClient.create(local.url(), local.secretKey());
        table = supabase.from("it_things");
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("truncate public.it_things restart identity");
        }
    }

    @AfterEach
    void close() {
        supabase.close();
    }

    @AfterAll
    static void remove(LocalSupabase local) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("drop table public.it_things");
            statement.execute("drop function public.it_nothing, public.it_null, public.it_slow");
        }
    }

    @BeforeAll
    static void install(LocalSupabase local) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("""
                    create table public.it_things (
                      id bigint generated always as identity primary key,
                      name text not null unique,
                      n integer default 42,
                      done boolean,
                      tags text[] not null default '{}',
                      data jsonb not null default '{}',
                      at timestamptz,
                      "order" text
                    );
                    grant all on public.it_things to service_role;
                    create function public.it_nothing() returns void language sql as '';
                    create function public.it_null() returns jsonb language sql as 'select null::jsonb';
                    create function public.it_slow() returns void language plpgsql
                      set statement_timeout = '100ms' as 'begin perform pg_sleep(30); end';
                    grant execute on function public.it_nothing, public.it_null, public.it_slow to service_role;
                    notify pgrst, 'reload schema';
                    """);
        }
        try (SupabaseClient supabase = SupabaseClient.create(local.url(), local.secretKey())) {
            // A reload that was under way may know the functions and not yet the table: wait for both.
            supabase.rpc("it_null").waitForSchema(Duration.ofSeconds(30)).execute();
            supabase.from("it_things")
                    .insert(Map.of("name", "first"))
                    .waitForSchema(Duration.ofSeconds(30))
                    .execute();
        }
    }

    private List<String> names(Select select) {
        return select.order("id").listOf(Name.class).stream().map(Name::name).toList();
    }

    private void insert(String name, @Nullable Integer n) {
        Map<String, Object> row = new HashMap<>();
        row.put("name", name);
        row.put("n", n);
        table.insert(row).execute();
    }

    @Test
    void aRowIsInsertedAndReadBack() {
        Row row = table.insert(
                        Map.of("name", "a", "tags", List.of("x", "y,z"), "data", Map.of("k", 1), "at", Instant.EPOCH))
                .returning(Row.class)
                .get(0);
        assertThat(row.name()).isEqualTo("a");
        assertThat(row.n()).isEqualTo(42);
        assertThat(row.done()).isNull();
        assertThat(row.tags()).containsExactly("x", "y,z");
        assertThat(row.data().get("k").asInt()).isEqualTo(1);
        assertThat(row.at()).isEqualTo(Instant.EPOCH);
        assertThat(table.select().eq("id", row.id()).single(Row.class)).isEqualTo(row);
        assertThat(table.select().eq("at", Instant.EPOCH).maybeSingle(Row.class))
                .contains(row);
        assertThat(table.select().eq("id", -1).maybeSingle(Row.class)).isEmpty();
    }

    @Test
    void rowsWithDifferentColumnsGetTheDefaults() {
        table.insert(List.of(Map.of("name", "a", "n", 1), Map.of("name", "b", "done", true)))
                .defaultForMissing()
                .execute();
        List<Row> rows = table.select().order("id").listOf(Row.class);
        assertThat(rows).extracting(Row::n).containsExactly(1, 42);
        assertThat(rows).extracting(Row::done).containsExactly(null, true);
    }

    @Test
    void filtersChooseRows() {
        for (int i = 1; i <= 5; i++) {
            insert("row" + i, i);
        }
        insert("none", null);
        assertThat(names(table.select().neq("n", 3))).containsExactly("row1", "row2", "row4", "row5");
        assertThat(names(table.select().gt("n", 2).lt("n", 5))).containsExactly("row3", "row4");
        assertThat(names(table.select().gte("n", 2).lte("n", 3))).containsExactly("row2", "row3");
        assertThat(names(table.select().like("name", "row%").eq("n", 1))).containsExactly("row1");
        assertThat(names(table.select().ilike("name", "NO*"))).containsExactly("none");
        assertThat(names(table.select().is("n", null))).containsExactly("none");
        assertThat(names(table.select().in("n", List.of(1, 5)))).containsExactly("row1", "row5");
        assertThat(names(table.select().in("n", List.of()))).isEmpty();
        assertThat(names(table.select().not(Condition.in("n", List.of(1, 2, 3, 4)))))
                .containsExactly("row5");
        assertThat(names(table.select().not(Condition.is("n", null)).gt("n", 4)))
                .containsExactly("row5");
        assertThat(names(table.select().or(Condition.eq("n", 1), Condition.is("n", null))))
                .containsExactly("row1", "none");
        assertThat(names(table.select()
                        .or(
                                Condition.all(Condition.gt("n", 1), Condition.lt("n", 3)),
                                Condition.not(Condition.any(Condition.lt("n", 5), Condition.eq("name", "x"))))))
                .containsExactly("row2", "row5");
        assertThat(names(table.select().not(Condition.any(Condition.eq("n", 1), Condition.gte("n", 3)))))
                .containsExactly("row2");
        assertThat(names(table.select().filter("name", "match.^row[12]$"))).containsExactly("row1", "row2");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "plain",
                "a,b",
                "(a)",
                "a.b",
                "\"quoted\"",
                "back\\slash",
                "\\\"",
                "a+b",
                "50%",
                "a&b=c",
                "a#b?c/d",
                "ä 漢字 🐎",
                "null",
                "{a}",
                "eq.x",
                " spaced ",
                "line\nbreak",
                "tab\t",
                "'; drop table it_things; --"
            })
    void anyTextMeansItself(String text) {
        table.insert(Map.of("name", text, "tags", List.of(text, "other"), "data", Map.of("k", List.of(text))))
                .execute();
        table.insert(Map.of("name", "another")).execute();
        assertThat(names(table.select().eq("name", text))).containsExactly(text);
        assertThat(names(table.select().neq("name", text))).containsExactly("another");
        assertThat(names(table.select().in("name", List.of(text, "x")))).containsExactly(text);
        assertThat(names(table.select().or(Condition.eq("name", text), Condition.eq("name", "x"))))
                .containsExactly(text);
        assertThat(names(table.select().or(Condition.in("name", List.of(text)), Condition.eq("name", "x"))))
                .containsExactly(text);
        assertThat(names(table.select().contains("tags", List.of(text)))).containsExactly(text);
        assertThat(names(table.select().contains("data", Map.of("k", List.of(text)))))
                .containsExactly(text);
        assertThat(names(table.select().or(Condition.contains("tags", List.of(text)), Condition.eq("name", "x"))))
                .containsExactly(text);
        assertThat(names(table.select()
                        .or(Condition.contains("data", Map.of("k", List.of(text))), Condition.eq("name", "x"))))
                .containsExactly(text);
        assertThat(names(table.select().eq("data->k->>0", text))).containsExactly(text);
        assertThat(table.delete().eq("name", text).returning(Row.class)).hasSize(1);
    }

    @Test
    void rowsAreOrderedLimitedAndCounted() {
        for (@Nullable Integer n : Arrays.asList(2, null, 1, 3)) {
            insert("row" + n, n);
        }
        List<String> seen = new ArrayList<>();
        for (String direction : List.of("asc", "desc", "asc.nullsfirst", "desc.nullslast")) {
            seen.add(String.join(
                    " ",
                    table.select().order("n", direction).listOf(Name.class).stream()
                            .map(row -> row.name().substring(3))
                            .toList()));
        }
        assertThat(seen).containsExactly("1 2 3 null", "null 3 2 1", "null 1 2 3", "3 2 1 null");
        assertThat(table.select("name").orderDescending("n").range(1, 2).listOf(Name.class))
                .containsExactly(new Name("row3"), new Name("row2"));
        assertThat(table.select().limit(2).listOf(Name.class)).hasSize(2);
        assertThat(table.select().gt("n", 1).limit(1).count(Count.EXACT)).isEqualTo(2);
        assertThat(table.select().range(100, 200).count(Count.EXACT)).isEqualTo(4);
        assertThat(table.select().count(Count.PLANNED)).isNotNegative();
        assertThat(table.select().count(Count.ESTIMATED)).isEqualTo(4);
        assertThatThrownBy(() -> table.select().single(Row.class)).hasMessageContaining("several");
    }

    @Test
    void aColumnNamedLikeAParameterIsReachedInQuotes() {
        table.insert(Map.of("name", "a", "order", "first")).execute();
        table.insert(Map.of("name", "b", "order", "second")).execute();
        assertThat(names(table.select().eq("\"order\"", "second"))).containsExactly("b");
        assertThat(table.select().orderDescending("\"order\"").listOf(Name.class))
                .containsExactly(new Name("b"), new Name("a"));
    }

    @Test
    void anyRequestCanBeSentRaw() {
        insert("a", 1);
        RawResponse response = supabase.raw(
                "GET", "/it_things?select=name", Map.of("Accept", "application/vnd.pgrst.object+json"), null);
        assertThat(response.status()).isEqualTo(200);
        assertThat(response.body()).isEqualTo("{\"name\":\"a\"}");
    }

    @Test
    void aTableThatIsMissingIsSaidToBeWhateverTheVerb() {
        Table missing = supabase.from("it_missing");
        for (ThrowingCallable call : List.<ThrowingCallable>of(
                () -> missing.select().raw(),
                () -> missing.insert(Map.of("a", 1)).execute(),
                () -> missing.update(Map.of("a", 1)).eq("a", 1).execute(),
                () -> missing.delete().eq("a", 1).execute())) {
            assertThatThrownBy(call).isInstanceOf(SchemaMismatchException.class);
        }
    }

    @Test
    void aStatementTimeoutIsTriedTwice() {
        assertThatThrownBy(() -> supabase.rpc("it_slow").execute())
                .isInstanceOfSatisfying(ServerErrorException.class, e -> {
                    assertThat(e.code()).isEqualTo("57014");
                    assertThat(e.attempts()).isEqualTo(2);
                    assertThat(e.outcomeUnknown()).isFalse();
                });
    }

    @Test
    void nothingAndNullAreAnswersToo() {
        supabase.rpc("it_nothing").execute();
        assertThat(supabase.rpc("it_null").as(JsonNode.class).isNull()).isTrue();
    }
}
