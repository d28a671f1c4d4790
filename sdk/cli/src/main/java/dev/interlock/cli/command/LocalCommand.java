package dev.interlock.cli.command;

import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Interlock;
import dev.interlock.testing.LocalSupabase;
import dev.interlock.testing.internal.Ports;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code interlock local}: a local Supabase until Ctrl-C. */
@Command(
        name = "local",
        description = {
            "Keeps a local Supabase running until Ctrl-C: PostgreSQL, PostgREST and a gateway, with no Docker and no account.",
            "It prints how to reach it. Nothing of Interlock's is installed but exec_sql."
        },
        footer = {"Examples:", "  interlock local", "  interlock local --postgres 15 --port 8000"})
public final class LocalCommand implements Callable<Integer> {

    // Where Supabase's own command line puts them.
    private static final int USUAL_PORT = 54_321;
    private static final int USUAL_DATABASE_PORT = 54_322;

    @Option(
            names = "--postgres",
            paramLabel = "15|17",
            defaultValue = "17",
            description = "The version of PostgreSQL; default 17.")
    private int postgres;

    @Option(
            names = "--port",
            paramLabel = "N",
            description = "The port of the URL, 0 for any; default 54321, or any where that is taken.")
    private @Nullable Integer port;

    @Option(
            names = "--database-port",
            paramLabel = "N",
            description = "The port of the database, 0 for any; default 54322, or any where that is taken.")
    private @Nullable Integer databasePort;

    @Option(names = "--json", description = "Print JSON, for scripts.")
    private boolean json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws InterruptedException {
        Console console = Interlock.console(spec);
        if (postgres != 15 && postgres != 17) {
            throw new ParameterException(spec.commandLine(), "--postgres is " + postgres + "; it is 15 or 17.");
        }
        LocalSupabase.Builder builder = LocalSupabase.builder()
                .postgresVersion(postgres)
                .gatewayPort(port("--port", port, USUAL_PORT))
                .databasePort(port("--database-port", databasePort, USUAL_DATABASE_PORT));
        console.tell("Starting a local Supabase…");
        LocalSupabase local = builder.start();
        local.installExecSql();
        if (json) {
            console.printJsonLine(values(local));
        } else {
            console.print("""

                    URL               %1$s
                    secret key        %2$s
                    publishable key   %3$s
                    service-role key  %4$s
                    anon key          %5$s
                    database          %6$s

                      export SUPABASE_URL=%1$s
                      export SUPABASE_SECRET_KEY=%2$s

                    exec_sql is there; nothing else is installed. Ctrl-C ends it and removes everything.""".formatted(
                            local.url(),
                            local.secretKey(),
                            local.publishableKey(),
                            local.serviceRoleKey(),
                            local.anonKey(),
                            local.psqlCommand()));
        }
        new CountDownLatch(1).await();
        return ExitCode.OK;
    }

    private static Map<String, String> values(LocalSupabase local) {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("url", local.url());
        values.put("secret_key", local.secretKey());
        values.put("publishable_key", local.publishableKey());
        values.put("service_role_key", local.serviceRoleKey());
        values.put("anon_key", local.anonKey());
        values.put("psql", local.psqlCommand());
        return values;
    }

    /** The port asked for, else the usual one, else (0) any. */
    private int port(String option, @Nullable Integer asked, int usual) {
        if (asked == null) {
            return Ports.isFree(usual) ? usual : 0;
        }
        if (asked < 0 || asked > 65_535) {
            throw new ParameterException(
                    spec.commandLine(), option + " is " + asked + "; a port is between 1 and 65535, or 0 for any.");
        }
        return asked;
    }
}
