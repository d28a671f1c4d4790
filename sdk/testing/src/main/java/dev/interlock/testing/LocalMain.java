package dev.interlock.testing;

import java.io.UncheckedIOException;
import java.util.concurrent.CountDownLatch;

/** Keeps a local project running until Ctrl-C, and prints how to reach it: {@code ./samples/run local}. */
public final class LocalMain {

    private LocalMain() {}

    /** Starts it on Supabase's usual ports where they are free; {@code --postgres 15} chooses the version. */
    public static void main(String[] args) throws InterruptedException {
        LocalSupabase.Builder builder = LocalSupabase.builder();
        if (args.length == 2 && args[0].equals("--postgres")) {
            builder.postgresVersion(Integer.parseInt(args[1]));
        } else if (args.length > 0) {
            System.err.println("usage: local [--postgres 15|17]");
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
}
