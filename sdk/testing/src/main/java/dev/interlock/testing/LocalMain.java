package dev.interlock.testing;

import dev.interlock.testing.internal.Ports;
import java.io.UncheckedIOException;
import java.util.concurrent.CountDownLatch;

/** Keeps a local project running until Ctrl-C, and prints how to reach it: {@code ./samples/run local}. */
public final class LocalMain {

    // Where Supabase's own command line puts them.
    private static final int USUAL_GATEWAY_PORT = 54_321;
    private static final int USUAL_DATABASE_PORT = 54_322;

    private static final String USAGE = """
            usage: local [--postgres 15|17] [--port N] [--database-port N]

            Keeps a local Supabase running until Ctrl-C, and prints its URL, its keys and a psql line.

              --postgres 15|17      the version of PostgreSQL; default 17
              --port N              the port of the URL; default 54321, or any where that is taken
              --database-port N     the port of the database; default 54322, or any where that is taken""";

    private LocalMain() {}

    /** Starts it on Supabase's usual ports where they are free; {@code --help} lists the options. */
    public static void main(String[] args) throws InterruptedException {
        LocalSupabase.Builder builder = LocalSupabase.builder()
                .gatewayPort(ifFree(USUAL_GATEWAY_PORT))
                .databasePort(ifFree(USUAL_DATABASE_PORT));
        if (args.length == 1 && (args[0].equals("--help") || args[0].equals("-h"))) {
            System.out.println(USAGE);
            return;
        }
        try {
            read(args, builder);
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage() + "\n\n" + USAGE);
            System.exit(2);
        }
        System.out.println("Starting a local Supabase…");
        LocalSupabase local;
        try {
            local = builder.start();
        } catch (UncheckedIOException e) {
            System.err.println(e.getMessage());
            System.exit(1);
            return;
        }
        local.installExecSql();
        System.out.println("""

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
        new CountDownLatch(1).await();
    }

    private static void read(String[] args, LocalSupabase.Builder builder) {
        for (int i = 0; i < args.length; i += 2) {
            String option = args[i];
            if (i + 1 == args.length) {
                throw new IllegalArgumentException(option + " is no option, or its value is missing.");
            }
            switch (option) {
                case "--postgres" -> builder.postgresVersion(number(option, args[i + 1]));
                case "--port" -> builder.gatewayPort(port(option, args[i + 1]));
                case "--database-port" -> builder.databasePort(port(option, args[i + 1]));
                default -> throw new IllegalArgumentException(option + " is no option.");
            }
        }
    }

    private static int port(String option, String value) {
        int port = number(option, value);
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException(option + " is " + value + "; a port is between 1 and 65535.");
        }
        return port;
    }

    private static int number(String option, String value) {
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(option + " is \"" + value + "\"; it has to be a number.", e);
        }
    }

    /** This port, or 0 (any) where it is taken. */
    private static int ifFree(int port) {
        return Ports.isFree(port) ? port : 0;
    }
}
