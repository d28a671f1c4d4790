package dev.interlock.it.migrations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.interlock.Migrator;
import dev.interlock.internal.migrate.MigrationFile;
import dev.interlock.it.ExistingDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What cannot be used is refused with its reason before anything is changed; what is used by others is waited for; what came later is left alone. */
class ExistingRefusalsTest extends ExistingTestBase {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "AFTER_027 | alter table jobs alter blocked_by_job_id type uuid using null | jobs.blocked_by_job_id is uuid, not text",
                "AFTER_027 | alter table job_queue_log add constraint known check (event_type in ('started', 'blocked')) | job_queue_log has the constraint known: CHECK",
                "AFTER_027 | alter table job_queue_log alter models set not null | job_queue_log.models is NOT NULL",
                "AFTER_027 | alter table job_queue_log add tenant text not null | job_queue_log.tenant is NOT NULL",
                "AFTER_027 | alter table job_queue_log drop id; alter table job_queue_log add id bigserial | job_queue_log.id is bigint, not uuid",
                "AFTER_027 | alter table job_queue_log drop job_type | job_queue_log lacks the column job_type",
                "AFTER_027 | alter table job_queue_state drop constraint job_queue_state_pkey | job_queue_state has no unique key on id",
                "COORDINATION_ONLY | create view jobs as select job_id from job_queue_log | jobs is no table",
                "BEFORE_027 | create table job_queue_lines (a int) | job_queue_lines has a name that is Interlock's",
                "BEFORE_027 | create function job_queue_stats() returns int language sql as 'select 1' | job_queue_stats() has a name that is Interlock's",
                "BEFORE_027 | alter table workflow_executions owner to supabase_admin | workflow_executions belongs to supabase_admin, and you are postgres",
                "PARALLEL_SLOTS | alter function release_coordinator_slot(text) owner to supabase_admin | release_coordinator_slot(text) belongs to supabase_admin",
            })
    @DisplayName(
            "Refuses with the reason, and changes nothing: pasted, by exec_sql, and statement by statement as psql does")
    void refuses(ExistingDatabase kind, String change, String reason) throws Exception {
        kind.load(local);
        local.installExecSql();
        try (Connection connection = local.openAdminConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(change);
        }
        Set<String> before = catalog();

        assertThatThrownBy(() -> sql(PASTE))
                .hasMessageContaining("changed nothing")
                .hasMessageContaining(reason);
        assertThat(catalog()).isEqualTo(before);
        assertThatThrownBy(() -> Migrator.create(supabase).migrate()).hasMessageContaining(reason);
        assertThat(catalog()).isEqualTo(before);
    }

    @Test
    @DisplayName(
            "psql goes on after the refusal: what is there is not touched all the same, and what came beside it goes with the rollback")
    void refusesToPsql() throws Exception {
        ExistingDatabase.PARALLEL_SLOTS.load(local);
        sql("alter table public.jobs alter conflict_reason type jsonb using null");
        Set<String> before = catalog();

        assertThat(statementByStatement(PASTE).get(0)).contains("jobs.conflict_reason is jsonb, not text");
        assertThat(catalog()).containsAll(before);
        assertThat(
                        catalog().stream()
                                .filter(line -> !before.contains(line))
                                .filter(
                                        line -> line.matches(
                                                "(column|relation|constraint) (jobs|workflow_executions|job_queue_state|job_queue_log) .*"
                                                        + "|.* ON public\\.(jobs|workflow_executions|job_queue_state|job_queue_log) .*")))
                .isEmpty();
        sql(ROLLBACK);
        assertThat(catalog()).isEqualTo(before);

        sql("alter table public.jobs alter conflict_reason type text using null");
        assertThat(sql(PASTE)).anyMatch(notice -> notice.contains("Migration 027 completed successfully"));
    }

    /** The errors; psql goes on after one. */
    private List<String> statementByStatement(String script) throws SQLException {
        List<String> errors = new ArrayList<>();
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            for (String one : Statements.of(script)) {
                try {
                    statement.execute(one);
                } catch (SQLException e) {
                    errors.add(String.valueOf(e.getMessage()));
                }
            }
        }
        return errors;
    }

    @Test
    @DisplayName("All reasons at once")
    void allReasons() throws Exception {
        ExistingDatabase.AFTER_027.load(local);
        sql(
                "alter table jobs alter queued_at type text; alter table workflow_executions alter current_step_model type jsonb using null");

        assertThatThrownBy(() -> sql(PASTE))
                .hasMessageContaining("jobs.queued_at is text, not timestamptz")
                .hasMessageContaining("workflow_executions.current_step_model is jsonb, not text");
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("The files of a new project are refused, and a rollback where nothing is installed does nothing")
    void wrongFile(ExistingDatabase kind) throws Exception {
        kind.load(local);
        Set<String> before = catalog();

        assertThatThrownBy(() -> sql(MigrationFile.pasteReady(true))).hasMessageContaining("000 is for a new one");
        assertThat(sql(ROLLBACK)).contains("Interlock is not installed here. Nothing was done.");

        assertThat(catalog()).isEqualTo(before);
    }

    @ParameterizedTest(name = "by exec_sql: {0}")
    @ValueSource(booleans = {false, true})
    @DisplayName(
            "While somebody uses jobs, the install waits for a moment at a time, and whoever comes later does not wait behind it")
    void waitsInTurns(boolean byExecSql) throws Exception {
        ExistingDatabase.BEFORE_027.load(local);
        local.installExecSql();
        String insert =
                "insert into public.jobs (user_id, prompt) values ('11111111-0000-4000-8000-000000000001', 'p')";
        try (Connection holder = local.openConnection();
                Statement held = holder.createStatement()) {
            holder.setAutoCommit(false);
            held.execute(insert);
            CompletableFuture<List<String>> install = CompletableFuture.supplyAsync(() -> {
                try {
                    return byExecSql
                            ? List.of(Migrator.create(supabase).migrate().message())
                            : sql(PASTE);
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            for (int i = 0; i < 3; i++) {
                while (values("select pid::text from pg_locks where relation = 'public.jobs'::regclass and not granted")
                        .isEmpty()) {
                    assertThat(install).isNotDone();
                }
                // Behind the one that waits; a wait of five seconds would end the install instead.
                sql(insert);
                assertThat(values("select count(*)::text from public.jobs")).containsExactly(String.valueOf(i + 1));
            }
            assertThat(install).isNotDone();
            holder.rollback();

            assertThat(install.get()).anyMatch(notice -> notice.contains("Migration 027 completed successfully"));
        }
    }

    @Test
    @DisplayName(
            "In the paste file, in one transaction, the last statement is the first that locks jobs or workflow_executions against writers")
    void locksLast() throws Exception {
        ExistingDatabase.BEFORE_027.load(local);
        List<String> statements = Statements.of(PASTE);
        try (Connection connection = local.openConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            for (String one : statements.subList(0, statements.size() - 1)) {
                statement.execute(one);
                try (ResultSet locks = statement.executeQuery(
                        "select mode from pg_locks where pid = pg_backend_pid() and relation in"
                                + " ('public.jobs'::regclass, 'public.workflow_executions'::regclass) and mode like '%Exclusive%'"
                                + " or pid = pg_backend_pid() and relation = 'public.jobs'::regclass and mode = 'ShareLock'")) {
                    assertThat(locks.next()).as(one).isFalse();
                }
            }
            statement.execute(statements.get(statements.size() - 1));
            connection.commit();
        }
        assertThat(
                        value(
                                "select count(*)::text from pg_trigger where tgrelid = 'public.jobs'::regclass and tgname like 'job\\_queue\\_%'"))
                .isEqualTo("4");
    }

    @Test
    @DisplayName("The indexes of a large table are left out and told; built later, they go with the rollback")
    void largeTable() throws Exception {
        ExistingDatabase.BEFORE_027.load(local);
        local.installExecSql();
        sql("alter table public.jobs alter prompt set storage plain; insert into public.jobs (user_id, prompt)"
                + " select '11111111-0000-4000-8000-000000000001', repeat('x', 7000) from generate_series(1, 9000)");
        Set<String> before = catalog();

        List<String> notices = sql(PASTE);
        assertThat(notices).anyMatch(notice -> notice.contains("Created 5 new indexes"));
        String leftOut = notices.stream()
                .filter(notice -> notice.contains("so 3 were left out"))
                .findFirst()
                .orElseThrow();
        List<String> statements = leftOut.lines().skip(1).toList();
        assertThat(statements).hasSize(3).allMatch(statement -> statement.startsWith("create index concurrently"));
        sql(ROLLBACK);
        assertThat(Migrator.create(supabase).migrate().message())
                .contains("Created 5 new indexes")
                .contains("jobs.idx_jobs_blocked, jobs.idx_jobs_queue, jobs.idx_jobs_required_models");
        assertThat(statementByStatement(String.join("\n", statements))).isEmpty();
        assertThat(Migrator.create(supabase).verify().isExact()).isTrue();

        sql(ROLLBACK);
        assertThat(catalog()).isEqualTo(before);
    }

    @Test
    @DisplayName("A view on our columns stops the rollback, with its name, and nothing is changed")
    void viewOnOurColumns() throws Exception {
        ExistingDatabase.BEFORE_027.load(local);
        sql(PASTE);
        sql("create view public.waiting as select job_id from public.jobs where blocked_by_job_id is not null");
        Set<String> installed = catalog();

        assertThatThrownBy(() -> sql(ROLLBACK)).hasMessageContaining("waiting");
        assertThat(catalog()).isEqualTo(installed);
    }

    @Test
    @DisplayName("What service_role was given on jobs, on a column too, is what it had")
    void grants() throws Exception {
        ExistingDatabase.AFTER_027.load(local);
        sql(
                "revoke all on public.jobs, public.job_queue_log from service_role; grant select (job_id, status) on public.jobs to service_role;"
                        + " grant select (event_type) on public.job_queue_log to anon with grant option");
        Set<String> before = catalog();

        sql(PASTE);
        assertThat(value("select has_table_privilege('service_role', 'public.jobs', 'update')::text"))
                .isEqualTo("true");
        assertThat(value("select has_any_column_privilege('anon', 'public.job_queue_log', 'select')::text"))
                .isEqualTo("false");
        sql(ROLLBACK);
        assertThat(catalog()).isEqualTo(before);
    }

    @Test
    @DisplayName("A table jobs that came after the install is not the rollback's to change")
    void laterJobs() throws Exception {
        ExistingDatabase.COORDINATION_ONLY.load(local);
        sql(PASTE);
        sql("create table public.jobs (job_id text primary key, status text, blocked_by_job_id text)");
        Set<String> jobs = jobs();
        sql("select job_queue.adapt()");

        sql(ROLLBACK);
        assertThat(jobs()).isEqualTo(jobs);
    }

    private Set<String> jobs() throws SQLException {
        return Set.copyOf(catalog().stream()
                .filter(line -> line.startsWith("column jobs") || line.contains(" ON public.jobs "))
                .toList());
    }

    @Test
    @DisplayName("The old state row stays as it was; what the engine wrote into it is cleared by the rollback")
    void stateRow() throws Exception {
        ExistingDatabase.PARALLEL_SLOTS.load(local);
        inFlight(ExistingDatabase.PARALLEL_SLOTS);
        sql("update public.job_queue_state set last_updated = now() - interval '1 minute'");
        String state = "select to_jsonb(s)::text from public.job_queue_state as s";
        String before = value(state);
        sql(PASTE);
        sql(ROLLBACK);
        assertThat(value(state)).isEqualTo(before);

        sql(PASTE);
        sql("select public.job_queue_start('f1197000-0000-4000-8000-000000000000', '[\"m\"]')");
        assertThat(value("select active_models::text from public.job_queue_state"))
                .isEqualTo("[\"m\"]");
        sql(ROLLBACK);
        assertThat(
                        value(
                                "select concat(active_job_id, active_models, jsonb_array_length(active_jobs)) from public.job_queue_state"))
                .isEqualTo("[]2");
    }
}
