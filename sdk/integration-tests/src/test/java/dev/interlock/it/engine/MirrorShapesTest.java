package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.internal.migrate.MigrationFile;
import dev.interlock.testing.LocalSupabase;
import dev.interlock.testing.LocalSupabaseExtension;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** F145 The engine runs whatever the tables look like, and shows in them what they can show. */
@ExtendWith(LocalSupabaseExtension.class)
class MirrorShapesTest {

    private static final String SIX = "'pending', 'running', 'completed', 'failed', 'cancelled', 'pending_retry'";

    private final LocalSupabase local;

    MirrorShapesTest(LocalSupabase local) {
        this.local = local;
    }

    @ParameterizedTest(name = "{0}, {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                // job_id | status | what the status says while it waits, runs, waits to be tried again, runs, ends
                "uuid primary key default gen_random_uuid() | text not null default 'pending' check (status in (SIX))"
                        + " | pending running pending_retry running completed",
                "text primary key default 'job-42' | varchar(20) default 'pending'"
                        + " | pending running pending_retry running completed",
                "bigint primary key default 1234567890123456789 | public.few default 'pending'"
                        + " | pending running pending running completed",
                "integer primary key generated always as identity | varchar(10) default 'pending'"
                        + " | pending running pending running completed",
                "varchar(40) primary key default 'job-42' | public.word default 'queued'"
                        + " | queued running queued running completed",
                "char(12) primary key default 'job-42' | text default 'pending' check (status <> 'pending_retry')"
                        + " | pending running pending running completed",
                "public.own_id primary key default gen_random_uuid() | text check (status is null or status in ('new', 'done'))"
                        + " | null null null null null",
                "numeric primary key default 7 | text generated always as ('pending') stored"
                        + " | pending pending pending pending pending",
            })
    void idsAndStatuses(String id, String status, String words) throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(
                local,
                "create type public.few as enum ('pending', 'running', 'completed', 'failed')",
                "create domain public.word as text check (value in ('queued', 'running', 'completed', 'failed'))",
                "create domain public.own_id as uuid",
                "create table public.jobs (job_id " + id + ", status " + status.replace("SIX", SIX) + ")")) {
            database.sql("insert into public.jobs (required_models) values ('[\"m\"]')");

            List<String> seen = new ArrayList<>();
            String show = "select coalesce(status::text, 'null') from public.jobs";
            seen.add(database.one(show));
            String job = database.claim(1).get(0);
            seen.add(database.one(show));
            assertThat(database.end(job, "retry")).isEqualTo("retry_scheduled");
            seen.add(database.one(show));
            database.claim(1);
            seen.add(database.one(show));
            assertThat(database.end(job, "complete")).isEqualTo("completed");
            seen.add(database.one(show));

            assertThat(String.join(" ", seen)).isEqualTo(words);
            assertThat(database.events(job)).doesNotContain("mirror_failed");
            assertThat(job).isEqualTo(database.one("select job_id::text from public.jobs"));
        }
    }

    @Test
    @DisplayName("Columns of other types, lengths and kinds show what they can, and no column at all shows nothing")
    void columnsOfOtherKinds() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(
                local,
                "create table public.jobs (job_id uuid primary key default gen_random_uuid(), prompt text not null,"
                        + " cost numeric not null, status text not null default 'pending', progress numeric(3, 2),"
                        + " error_message varchar(10), started_at date, completed_at text, conflict_reason varchar(8),"
                        + " queue_position smallint, queued_at timestamp, blocked_by_job_id varchar(100))",
                "create table public.workflow_executions (id bigint primary key generated always as identity, job_id text,"
                        + " required_models jsonb)")) {
            database.sql("insert into public.jobs (prompt, cost, required_models) values ('p', 1, '[\"m\"]')");
            database.sql("insert into public.jobs (prompt, cost, required_models) values ('p', 1, '[\"m\"]')");
            String job = database.claim(1).get(0);
            database.sql("select public.job_queue_sweep()");

            assertThat(database.rows("select conflict_reason from public.jobs where queue_position = 1"))
                    .containsExactly("Model co");
            assertThat(database.one("select status || (started_at = current_date) from public.jobs where job_id = '"
                            + job + "'"))
                    .isEqualTo("runningtrue");
            database.sql(
                    "select public.job_queue_complete(jsonb_build_array(jsonb_build_object('job_id', job_id, 'token', token,"
                            + " 'outcome', 'fail', 'error', 'a long story'))) from public.job_queue_jobs where status = 'running'");
            assertThat(database.one("select status || error_message || (completed_at is null) from public.jobs"
                            + " where job_id = '" + job + "'"))
                    .isEqualTo("faileda long stofalse");
            assertThat(database.rows("select 1 from public.job_queue_log where event_type = 'mirror_failed'"))
                    .isEmpty();
        }
    }

    @Test
    @DisplayName("A job whose id cannot be a uuid runs in a database whose jobs have uuids")
    void otherIds() throws SQLException {
        try (OwnDatabase database =
                OwnDatabase.installed(local, "create table public.jobs (job_id uuid primary key, status text)")) {
            database.sql("select public.job_queue_start('job-42', '[\"m\"]', '{\"job_type\": \"workflow\"}')");

            assertThat(database.end("job-42", "complete")).isEqualTo("completed");
            assertThat(database.events("job-42")).containsExactly("started", "completed");
        }
    }

    @Test
    @DisplayName(
            "Of rows written together only those that refuse are left as they are, each with an event; the jobs go on")
    void rowsThatRefuse() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(
                local,
                "create table public.jobs (job_id text primary key, prompt text, status text default 'pending', worker text)")) {
            database.sql(
                    "insert into public.jobs (job_id, prompt, required_models) select 'job-' || i, 'p', jsonb_build_array('m' || i)"
                            + " from generate_series(1, 20) as i");
            // Old rows need not fulfil it, but may not be written any more.
            database.sql("update public.jobs set prompt = null where job_id in ('job-7', 'job-13')");
            database.sql("alter table public.jobs add constraint told check (prompt is not null) not valid");

            assertThat(database.claim(20)).hasSize(20);

            assertThat(database.rows("select job_id from public.jobs where status = 'pending' order by 1"))
                    .containsExactly("job-13", "job-7");
            assertThat(database.rows("select job_id || (metadata ->> 'sqlstate') from public.job_queue_log"
                            + " where event_type = 'mirror_failed' order by 1"))
                    .containsExactly("job-1323514", "job-723514");
            database.sql("update public.jobs set prompt = 'told' where job_id = 'job-7'");
            assertThat(database.end("job-7", "complete")).isEqualTo("completed");
            assertThat(database.one("select status from public.jobs where job_id = 'job-7'"))
                    .isEqualTo("completed");
        }
    }

    @Test
    @DisplayName(
            "A status refused for a reason that lies in other columns is left; the coordination's columns are written")
    void statusOfOthers() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(
                local,
                "create table public.jobs (job_id text primary key, status text default 'pending', worker text, progress integer,"
                        + " check (status <> 'running' or worker is not null), check (progress is null or worker is not null))")) {
            database.sql("select public.job_queue_start('first', '[\"m\"]')");
            database.sql("insert into public.jobs (job_id, required_models) values ('a', '[\"m\"]')");
            assertThat(database.one("select blocked_by_job_id from public.jobs"))
                    .isEqualTo("first");

            database.end("first", "complete");
            assertThat(database.claim(1)).containsExactly("a");

            assertThat(database.one(
                            "select status || (blocked_by_job_id is null) || (queued_at is null) from public.jobs"))
                    .isEqualTo("pendingtruetrue");
            assertThat(database.events("a")).containsExactly("queued", "started", "mirror_failed");
            assertThat(database.end("a", "complete")).isEqualTo("completed");
            assertThat(database.one("select status from public.jobs")).isEqualTo("completed");
        }
    }

    @Test
    @DisplayName(
            "Triggers of the table: updated_at is kept, one that lets no update through stops nothing, a conflict is the caller's")
    void triggersOfTheTable() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(
                local,
                "create table public.jobs (job_id text primary key, status text default 'pending', updated_at timestamptz)",
                "create function public.touch() returns trigger language plpgsql as"
                        + " $$ begin new.updated_at := now(); if new.job_id = 'conflict' then raise serialization_failure; end if;"
                        + " return case when new.job_id <> 'deaf' then new end; end $$",
                "create trigger touch before update on public.jobs for each row execute function public.touch()")) {
            database.sql(
                    "insert into public.jobs (job_id, required_models) values ('a', '[\"m\"]'), ('deaf', '[\"n\"]')");

            assertThat(database.claim(5)).containsExactly("a", "deaf");
            assertThat(database.rows("select status || (updated_at is not null) from public.jobs where job_id = 'a'"
                            + " union all select status from public.jobs where job_id = 'deaf'"))
                    .containsExactly("runningtrue", "pending");
            assertThat(database.end("deaf", "complete")).isEqualTo("completed");

            database.sql("insert into public.jobs (job_id) values ('conflict')");
            assertThatThrownBy(() -> database.sql("select public.job_queue_start('conflict', '[\"n\"]')"))
                    .satisfies(e -> assertThat(((SQLException) e).getSQLState()).isEqualTo("40001"));
            assertThat(database.rows("select 1 from public.job_queue_jobs where job_id = 'conflict'"))
                    .isEmpty();
        }
    }

    @Test
    @DisplayName("A trigger that inserts the next job when one ends starts a chain, whatever models it needs")
    void chains() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(
                local,
                "create table public.jobs (job_id text primary key, status text default 'pending', after text, required_models jsonb)",
                "create function public.follow() returns trigger language plpgsql as $$ begin"
                        + " if new.status = 'completed' then insert into public.jobs (job_id, required_models)"
                        + " values (new.job_id || '+', '[\"n\"]');"
                        + " update public.jobs set required_models = '[\"o\"]' where after = new.job_id; end if;"
                        + " return null; end $$",
                "create trigger follow after update on public.jobs for each row execute function public.follow()")) {
            database.sql(
                    "insert into public.jobs (job_id, required_models, after) values ('a', '[\"m\"]', null), ('z', null, 'a')");
            database.claim(1);
            database.end("a", "complete");

            assertThat(database.claim(5)).containsExactly("a+", "z");
            assertThat(database.rows("select 1 from public.job_queue_arrivals")).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"range (created_at)", "list (status)", "hash (job_id)"})
    @DisplayName("A partitioned table, also one whose rows move when their status changes")
    void partitions(String by) throws SQLException {
        String kind = by.substring(0, by.indexOf(' '));
        try (OwnDatabase database = OwnDatabase.installed(
                local,
                "create table public.jobs (job_id uuid not null default gen_random_uuid(), status text not null default 'pending',"
                        + " created_at timestamptz not null default now()) partition by " + by,
                switch (kind) {
                    case "range" ->
                        "create table public.jobs_1 partition of public.jobs for values from ('2000-01-01') to ('2100-01-01')";
                    case "list" ->
                        "create table public.jobs_1 partition of public.jobs for values in ('pending', 'pending_retry')";
                    default ->
                        "create table public.jobs_1 partition of public.jobs for values with (modulus 1, remainder 0)";
                },
                "list".equals(kind)
                        ? "create table public.jobs_2 partition of public.jobs default"
                        : "create index on public.jobs (job_id)")) {
            database.sql("insert into public.jobs (required_models) values ('[\"m\"]'), ('[\"m\"]')");
            String job = database.claim(1).get(0);
            assertThat(database.end(job, "complete")).isEqualTo("completed");
            assertThat(database.rows("select status from public.jobs order by 1"))
                    .containsExactly("completed", "pending");

            database.sql("delete from public.jobs");
            assertThat(database.rows("select status from public.job_queue_jobs order by 1"))
                    .containsExactly("cancelled", "completed");
        }
    }

    @Test
    @DisplayName("F132 Row level security, with and without policies, hides nothing from the engine")
    void rowLevelSecurity() throws SQLException {
        try (OwnDatabase database = OwnDatabase.installed(
                local,
                "create table public.jobs (job_id uuid primary key default gen_random_uuid(), status text default 'pending',"
                        + " secret boolean not null default false)",
                "alter table public.jobs enable row level security",
                "alter table public.jobs force row level security",
                "grant insert on public.jobs to authenticated",
                "create policy mine on public.jobs for insert to authenticated with check (not secret)")) {
            database.sql("set role authenticated");
            database.sql("insert into public.jobs (required_models) values ('[\"m\"]')");
            assertThatThrownBy(() ->
                            database.sql("insert into public.jobs (required_models, secret) values ('[\"m\"]', true)"))
                    .hasMessageContaining("row-level security");
            database.sql("set role service_role");

            String job = database.claim(1).get(0);
            assertThat(database.one("select status from public.jobs")).isEqualTo("running");
            assertThat(database.end(job, "complete")).isEqualTo("completed");
            assertThat(database.one("select status from public.jobs")).isEqualTo("completed");
        }
    }

    @Test
    @DisplayName("A view named jobs is refused by the migration, and nothing is changed")
    void view() throws SQLException {
        try (OwnDatabase database = OwnDatabase.empty(local)) {
            database.sql("create table public.work (job_id uuid primary key, status text)");
            database.sql("create view public.jobs as select * from public.work");

            assertThatThrownBy(() -> database.sql(MigrationFile.pasteReady(false)))
                    .hasMessageContaining("jobs");
            assertThat(database.rows("select 1 from pg_namespace where nspname = 'job_queue'"))
                    .isEmpty();
        }
    }
}
