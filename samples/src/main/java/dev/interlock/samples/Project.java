package dev.interlock.samples;

import dev.interlock.SupabaseClient;
import dev.interlock.testing.LocalSupabase;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The Supabase project that a sample runs on: the one that SUPABASE_URL names, else a local one, which ends with the sample. */
public final class Project implements AutoCloseable {

    private final SupabaseClient supabase;
    private final @Nullable LocalSupabase local;

    private Project(SupabaseClient supabase, @Nullable LocalSupabase local) {
        this.supabase = supabase;
        this.local = local;
    }

    /** Connects to it or starts it. Nothing is installed yet but, in a local one, {@code exec_sql}. */
    public static Project open() {
        String url = System.getenv("SUPABASE_URL");
        if (url != null && !url.isBlank()) {
            System.out.println("Using the project at " + url);
            return new Project(SupabaseClient.fromEnv(), null);
        }
        System.out.println("Starting a local Supabase (PostgreSQL, PostgREST and gateway)…");
        LocalSupabase local = LocalSupabase.start();
        local.installExecSql();
        System.out.println("  " + local.url());
        return new Project(SupabaseClient.create(local.url(), local.secretKey()), local);
    }

    /** The client of it. */
    public SupabaseClient supabase() {
        return supabase;
    }

    /** Whether it is a local one, which nobody else uses. */
    public boolean isLocal() {
        return local != null;
    }

    /** What a process of the sample's needs in its environment, besides what it inherits, to find the project. */
    public Map<String, String> environment() {
        return local == null ? Map.of() : Map.of("SUPABASE_URL", local.url(), "SUPABASE_SECRET_KEY", local.secretKey());
    }

    @Override
    public void close() {
        supabase.close();
        if (local != null) {
            local.close();
        }
    }
}
