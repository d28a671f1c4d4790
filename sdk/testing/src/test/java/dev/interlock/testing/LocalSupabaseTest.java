package dev.interlock.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.testing.internal.PostgrestBinary;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The local stack is what it says: Supabase's roles, grants, timeouts, keys and errors; and it leaves nothing behind. */
class LocalSupabaseTest {

    private static LocalSupabase local;

    @BeforeAll
    static void start() throws SQLException {
        local = LocalSupabase.start();
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("create table public.open_table (id int primary key)");
            statement.execute("grant select on public.open_table to anon, service_role");
            statement.execute("create table public.closed_table (id int primary key)");
            statement.execute("create function public.who() returns text language sql as 'select current_user::text'");
            statement.execute("grant execute on function public.who() to anon, authenticated, service_role");
            statement.execute("create function public.timeouts() returns text language sql as"
                    + " 'select current_setting(''statement_timeout'') || '' '' || current_setting(''lock_timeout'')'");
            statement.execute("grant execute on function public.timeouts() to anon, authenticated, service_role");
        }
    }

    @AfterAll
    static void end() {
        local.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {15, 17})
    void runsThatVersionBesideOthers(int version) throws SQLException {
        try (LocalSupabase other =
                        LocalSupabase.builder().postgresVersion(version).start();
                Connection connection = other.openConnection();
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery("show server_version_num")) {
            result.next();
            assertThat(result.getInt(1) / 10_000).isEqualTo(version);
            assertThat(other.url()).isNotEqualTo(local.url());
        }
    }

    @Test
    void postgresOwnsTheDatabaseAndIsNoSuperuser() throws SQLException {
        assertThat(value("select usesuper::text from pg_user where usename = 'postgres'"))
                .isEqualTo("false");
        assertThat(value("select rolbypassrls::text from pg_roles where rolname = 'service_role'"))
                .isEqualTo("true");
        assertThat(value("show fsync")).isEqualTo("on");
    }

    @Test
    void bothKeyFamiliesReachTheirRoles() throws Exception {
        assertThat(who(Map.of("apikey", local.secretKey()))).isEqualTo("\"service_role\"");
        assertThat(who(Map.of("apikey", local.publishableKey()))).isEqualTo("\"anon\"");
        assertThat(who(bearer(local.serviceRoleKey()))).isEqualTo("\"service_role\"");
        assertThat(who(bearer(local.anonKey()))).isEqualTo("\"anon\"");
        assertThat(who(Map.of(
                        "apikey",
                        local.publishableKey(),
                        "Authorization",
                        "Bearer " + local.accessToken(UUID.randomUUID().toString()))))
                .isEqualTo("\"authenticated\"");
    }

    @Test
    void timeoutsAreThoseOfSupabase() throws Exception {
        assertThat(call("/rpc/timeouts", Map.of("apikey", local.secretKey())).body())
                .isEqualTo("\"8s 8s\"");
        assertThat(call("/rpc/timeouts", Map.of("apikey", local.publishableKey()))
                        .body())
                .isEqualTo("\"3s 8s\"");
    }

    @Test
    void nothingIsGrantedByItself() throws Exception {
        assertThat(get("/closed_table", Map.of("apikey", local.secretKey())).body())
                .contains("42501");
        assertThat(get("/open_table", Map.of("apikey", local.secretKey())).statusCode())
                .isEqualTo(200);
    }

    @Test
    void theGatewayRefusesAsSupabaseDoes() throws Exception {
        HttpResponse<String> missing = get("/open_table", Map.of());
        assertThat(missing.statusCode()).isEqualTo(401);
        assertThat(missing.body()).contains("No API key found in request");
        assertThat(missing.headers().firstValue("sb-error-code")).contains("UNAUTHORIZED_MISSING_API_KEY");

        HttpResponse<String> wrong = get("/open_table", Map.of("apikey", "sb_secret_wrong"));
        assertThat(wrong.statusCode()).isEqualTo(401);
        assertThat(wrong.body()).contains("Invalid API key").contains("Double check");

        HttpResponse<String> browser =
                get("/open_table", Map.of("apikey", local.secretKey(), "User-Agent", "Mozilla/5.0"));
        assertThat(browser.statusCode()).isEqualTo(401);
        assertThat(browser.body()).contains("Forbidden use of secret API key in browser");

        HttpResponse<String> forged = get("/open_table", bearer(local.anonKey() + "x"));
        assertThat(forged.statusCode()).isEqualTo(401);
    }

    @Test
    void schemaChangesAreSeenByTheApi() throws Exception {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("create table public.made_later (id int primary key)");
            statement.execute("grant select on public.made_later to service_role");
        }

        int status = 404;
        while (status == 404) {
            status = get("/made_later", Map.of("apikey", local.secretKey())).statusCode();
        }

        assertThat(status).isEqualTo(200);
    }

    @Test
    void aMissingPostgrestIsExplainedWithThreeWays() {
        assertThatThrownBy(() -> PostgrestBinary.find(Map.of("PATH", "/nowhere")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("POSTGREST_BIN")
                .hasMessageContaining("PATH")
                .hasMessageContaining("npm");
        assertThatThrownBy(() -> PostgrestBinary.find(Map.of("POSTGREST_BIN", "/nowhere/postgrest")))
                .hasMessageContaining("/nowhere/postgrest");
    }

    @Test
    void aTakenPortIsNamedAndNothingIsLeft() {
        int database = URI.create(local.jdbcUrl().substring("jdbc:".length())).getPort();
        int gateway = URI.create(local.url()).getPort();
        long before = ProcessHandle.current().descendants().count();

        // The other stack's database would answer there with the same password: it must not be taken for ours.
        assertThatThrownBy(() -> LocalSupabase.builder().databasePort(database).start())
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining(Integer.toString(database))
                .hasMessageContaining("taken");
        assertThatThrownBy(() -> LocalSupabase.builder().gatewayPort(gateway).start())
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining(Integer.toString(gateway))
                .hasMessageContaining("taken");

        assertThat(ProcessHandle.current().descendants().count()).isEqualTo(before);
    }

    @Test
    void theApiComesBackAfterTheDatabaseAndPostgrestDid() throws Exception {
        try (LocalSupabase other =
                LocalSupabase.builder().timeZone(ZoneId.of("Asia/Colombo")).start()) {
            try (Connection connection = other.openConnection();
                    Statement statement = connection.createStatement()) {
                statement.execute("create function public.zone() returns text language sql as"
                        + " 'select current_setting(''TimeZone'')'");
                statement.execute("grant execute on function public.zone() to service_role");
            }

            other.stopPostgrest();
            assertThat(zone(other).statusCode()).isEqualTo(502);
            other.restartPostgres();
            other.startPostgrest();

            assertThat(zone(other).body()).isEqualTo("\"Asia/Colombo\"");
        }
        assertThatThrownBy(() -> LocalSupabase.builder().timeZone(ZoneId.of("+02:00")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("+02:00");
    }

    /** A program that keeps one running. */
    static final class Kept {
        static final String READY = "ready";

        private Kept() {}

        public static void main(String[] args) throws InterruptedException {
            LocalSupabase local = LocalSupabase.start();
            local.installExecSql();
            System.out.println(READY);
            new CountDownLatch(1).await();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"INT", "TERM", "KILL"})
    void whateverEndsTheJvmNothingIsLeft(String signal) throws Exception {
        String mark = UUID.randomUUID().toString();
        ProcessBuilder builder = new ProcessBuilder(java(), "-cp", classPath(), Kept.class.getName());
        builder.environment().put("INTERLOCK_TEST_MARK", mark);
        Path temp = Files.createTempDirectory("interlock-test");
        builder.command().add(1, "-Djava.io.tmpdir=" + temp);
        Process process = builder.redirectErrorStream(true).start();
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        String line = output.readLine();
        while (line != null && !line.equals(Kept.READY)) {
            line = output.readLine();
        }
        assertThat(line).isNotNull();
        assertThat(marked(mark)).hasSizeGreaterThan(3);

        new ProcessBuilder("kill", "-s", signal, Long.toString(process.pid()))
                .start()
                .waitFor();
        assertThat(process.waitFor(1, TimeUnit.MINUTES))
                .as(
                        "it ended (a build started with signals ignored, as a shell's background job is, cannot run this test)")
                .isTrue();

        while (!marked(mark).isEmpty()) {
            Thread.onSpinWait();
        }
        try (var left = Files.list(temp)) {
            assertThat(left.filter(p -> !p.getFileName().toString().startsWith("hsperf")))
                    .isEmpty();
        }
        Files.delete(temp);
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    private static String classPath() {
        return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    }

    private static HttpResponse<String> zone(LocalSupabase stack) throws Exception {
        return send(
                HttpRequest.newBuilder(URI.create(stack.url() + "/rest/v1/rpc/zone"))
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString("{}")),
                Map.of("apikey", stack.secretKey()));
    }

    private static List<ProcessHandle> marked(String mark) {
        return ProcessHandle.allProcesses()
                .filter(handle -> {
                    try {
                        return Files.readString(
                                        Path.of("/proc", Long.toString(handle.pid()), "environ"),
                                        StandardCharsets.ISO_8859_1)
                                .contains(mark);
                    } catch (IOException e) {
                        return false;
                    }
                })
                .toList();
    }

    private static Map<String, String> bearer(String key) {
        return Map.of("apikey", key, "Authorization", "Bearer " + key);
    }

    private static String who(Map<String, String> headers) throws Exception {
        return call("/rpc/who", headers).body();
    }

    private static HttpResponse<String> call(String path, Map<String, String> headers) throws Exception {
        return send(
                HttpRequest.newBuilder(URI.create(local.url() + "/rest/v1" + path))
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString("{}")),
                headers);
    }

    private static HttpResponse<String> get(String path, Map<String, String> headers) throws Exception {
        return send(HttpRequest.newBuilder(URI.create(local.url() + "/rest/v1" + path)), headers);
    }

    private static HttpResponse<String> send(HttpRequest.Builder request, Map<String, String> headers)
            throws Exception {
        headers.forEach(request::header);
        return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private static String value(String query) throws SQLException {
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(query)) {
            result.next();
            return result.getString(1);
        }
    }
}
