package dev.interlock;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import okhttp3.HttpUrl;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Conditions as PostgREST reads them: quoted within a group, and as they are outside. */
class ConditionTest extends HttpTest {

    static Stream<Arguments> conditions() {
        Condition text = Condition.eq("t", "a,b");
        return Stream.of(
                Arguments.of("t=eq.a,b", text),
                Arguments.of("t=not.eq.a,b", Condition.not(text)),
                Arguments.of("t=eq.a,b", Condition.not(Condition.not(text))),
                Arguments.of("t=not.in.(\"a\")", Condition.not(Condition.in("t", List.of("a")))),
                Arguments.of("t=not.is.null", Condition.not(Condition.is("t", null))),
                Arguments.of(
                        "or=(t.eq.\"a,b\",n.not.gt.\"1\",u.is.null,v.in.(\"x,y\"))",
                        Condition.any(
                                text,
                                Condition.not(Condition.gt("n", 1)),
                                Condition.is("u", null),
                                Condition.in("v", List.of("x,y")))),
                Arguments.of(
                        "or=(and(a.neq.\"1\",b.lte.\"2\"),not.or(c.like.\"3*\"))",
                        Condition.any(
                                Condition.all(Condition.neq("a", 1), Condition.lte("b", 2)),
                                Condition.not(Condition.any(Condition.like("c", "3*"))))),
                Arguments.of("and=(a.eq.\"\\\\\\\"\")", Condition.all(Condition.eq("a", "\\\""))),
                Arguments.of(
                        "or=(t.cs.\"{\\\"x\\\"}\",j.cs.\"{\\\"k\\\":1}\")",
                        Condition.any(Condition.contains("t", List.of("x")), Condition.contains("j", Map.of("k", 1)))),
                Arguments.of("not.or=(a.eq.\"1\")", Condition.not(Condition.any(Condition.eq("a", 1)))));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("conditions")
    void where_sendsTheCondition(String expected, Condition condition) throws InterruptedException {
        answer(200, "[]");
        supabase.from("t").select("id").where(condition).raw();
        HttpUrl url = Objects.requireNonNull(request().getUrl());
        int equals = expected.indexOf('=');
        assertThat(url.querySize()).isEqualTo(2);
        assertThat(url.queryParameter(expected.substring(0, equals))).isEqualTo(expected.substring(equals + 1));
    }
}
