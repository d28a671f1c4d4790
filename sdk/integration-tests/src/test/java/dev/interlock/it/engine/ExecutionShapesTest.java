package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.testing.LocalSupabase;
import dev.interlock.testing.LocalSupabaseExtension;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** workflow_executions as existing databases have it, and as it refuses the row of a workflow. */
@ExtendWith(LocalSupabaseExtension.class)
class ExecutionShapesTest {

    private static final String ID = "0192a000-0000-4000-8000-000000000001";
    private static final String USER = "0192a000-0000-4000-8000-0000000000aa";
    private static final String[] PREDECESSOR = {
        "create table public.users (id uuid primary key)",
        "create table public.jobs (job_id uuid primary key default gen_random_uuid(),"
                + " user_id uuid not null references public.users (id) on delete cascade, model text,"
                + " status text not null default 'pending' check (status in ('pending', 'running', 'completed', 'failed', 'cancelled', 'pending_retry')),"
                + " job_type text not null default 'image' check (job_type in ('image', 'video', 'workflow')), error_message text)",
        "create table public.workflow_executions (id uuid primary key default gen_random_uuid(),"
                + " job_id uuid references public.jobs (job_id) on delete cascade, workflow_id text not null,"
                + " user_id uuid references public.users (id) on delete cascade, current_step integer default 0,"
                + " total_steps integer not null,"
                + " status text default 'pending' check (status in ('pending', 'running', 'completed', 'failed', 'pending_retry')),"
                + " checkpoints jsonb default '{}', error_info jsonb, retry_count integer default 0,"
                + " updated_at timestamptz default now())",
        "create function public.touch() returns trigger language plpgsql as"
                + " $$ begin new.updated_at := now(); return new; end $$",
        "create trigger touch before update on public.workflow_executions for each row execute function public.touch()",
        "insert into public.users values ('" + USER + "')"
    };

    private final LocalSupabase local;

    ExecutionShapesTest(LocalSupabase local) {
        this.local = local;
    }

    @Test
    @DisplayName("The predecessor's tables: the row is there with the job, in one transaction, and goes with its user")
    void predecessor() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(local, PREDECESSOR)) {
            arrive(database);
            assertThat(
                            database.one(
                                    "select concat_ws(' ', workflow_id, user_id, status, total_steps) from public.workflow_executions"))
                    .isEqualTo("wf " + USER + " pending 0");
            database.claim(1);
            assertThat(database.end(ID, "complete")).isEqualTo("completed");
            assertThat(database.one("select status from public.workflow_executions"))
                    .isEqualTo("completed");
            assertThat(database.events(ID)).containsExactly("queued", "started", "completed");
            database.sql("delete from public.users");
            assertThat(database.rows("select 1 from public.workflow_executions"))
                    .isEmpty();
        }
    }

    @Test
    @DisplayName("Nobody waits long for a row whose user somebody has locked: the next start makes it")
    void lockedUser() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(local, PREDECESSOR)) {
            database.sql("insert into public.jobs (job_id, user_id) values ('" + ID + "', '" + USER + "')");
            try (Connection other = database.connect();
                    Statement statement = other.createStatement()) {
                other.setAutoCommit(false);
                statement.execute("select 1 from public.users for update");
                database.sql("select public.job_queue_enqueue('[{\"job_id\": \"" + ID
                        + "\", \"models\": [\"m\"], \"job_type\": \"workflow\"}]')");
                other.rollback();
            }
            assertThat(database.rows("select 1 from public.workflow_executions"))
                    .isEmpty();
            assertThat(database.claim(1)).containsExactly(ID);
            assertThat(database.one("select status from public.workflow_executions"))
                    .isEqualTo("running");
            assertThat(database.events(ID)).containsExactly("queued", "mirror_failed", "started");
        }
    }

    @Test
    @DisplayName("A table that refuses the row stops nothing, and the log says why; the rows it takes are made")
    void refuses() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(
                local,
                "create table public.workflow_executions (id bigint primary key generated always as identity, job_id text,"
                        + " workflow_id varchar(5) check (workflow_id <> 'bad'), checkpoints json)")) {
            database.sql(
                    "select public.job_queue_enqueue('[{\"job_id\": \"a\", \"models\": [\"m\"], \"job_type\": \"workflow\"},"
                            + " {\"job_id\": \"b\", \"models\": [\"m\"], \"job_type\": \"workflow\", \"handler\": \"bad\"},"
                            + " {\"job_id\": \"c\", \"models\": [\"m\"], \"job_type\": \"workflow\", \"payload\": 1},"
                            + " {\"job_id\": \"d\", \"models\": [\"m\"]}]')");
            assertThat(
                            database.rows(
                                    "select concat_ws(' ', job_id, workflow_id, checkpoints) from public.workflow_executions order by job_id"))
                    .containsExactly("a workf {}", "c workf {\"_input\": 1}");
            assertThat(database.events("a")).containsExactly("queued");
            assertThat(database.events("b")).containsExactly("queued", "mirror_failed");
            assertThat(
                            database.one(
                                    "select metadata ->> 'sqlstate' from public.job_queue_log where event_type = 'mirror_failed'"))
                    .isEqualTo("23514");

            database.sql("alter table public.workflow_executions add column tenant text not null default 'x'");
            database.sql("alter table public.workflow_executions alter column tenant drop default");
            database.sql("select public.job_queue_start('e', '[\"n\"]', '{\"job_type\": \"workflow\"}')");
            assertThat(database.end("e", "complete")).isEqualTo("completed");
            assertThat(database.events("e")).contains("started", "mirror_failed", "completed");
            assertThat(database.rows("select 1 from public.workflow_executions where job_id = 'e'"))
                    .isEmpty();
        }
    }

    @Test
    @DisplayName("Without the table, and with one that knows ids alone, workflows run as before")
    void withLittle() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(local)) {
            database.sql("select public.job_queue_start('a', '[\"m\"]', '{\"job_type\": \"workflow\"}')");
            assertThat(database.end("a", "complete")).isEqualTo("completed");
            assertThat(database.events("a")).containsExactly("started", "completed");

            database.sql("create table public.workflow_executions (job_id varchar(200))");
            database.sql("select job_queue.adapt()");
            database.sql("select public.job_queue_start('b', '[\"m\"]', '{\"job_type\": \"workflow\"}')");
            assertThat(database.end("b", "complete")).isEqualTo("completed");
            assertThat(database.rows("select job_id from public.workflow_executions"))
                    .containsExactly("b");
            assertThat(database.events("b")).containsExactly("started", "completed");
        }
    }

    private static void arrive(OwnDatabase database) throws SQLException {
        database.sql("insert into public.jobs (job_id, user_id, job_type, model, required_models) values ('" + ID
                + "', '" + USER + "', 'workflow', 'wf', '[\"m\"]')");
    }
}
