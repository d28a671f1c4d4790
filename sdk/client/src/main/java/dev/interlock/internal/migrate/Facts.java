package dev.interlock.internal.migrate;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Map;

/**
 * What a database's catalog says. Read through {@code exec_sql}, which returns nothing: the facts come as the message of an error, so that nothing
 * can have changed, and PostgREST's schema cache has no part in it.
 */
public record Facts(
        @JsonProperty("has_jobs") boolean hasJobs,
        @JsonProperty("has_executions") boolean hasExecutions,
        @JsonProperty("has_state") boolean hasState,
        @JsonProperty("jobs_columns") int jobsColumns,
        @JsonProperty("executions_columns") int executionsColumns,
        int tables,
        Map<String, String> applied) {

    /** The SQLSTATE of the error that carries the facts. */
    public static final String CODE = "JQP00";

    /** Raises the facts. The three counts are those of the seed's verification queries. */
    public static final String SQL = """
            do $facts$
            declare
                applied jsonb := '{}';
            begin
                if to_regclass('public.job_queue_migrations') is not null then
                    select coalesce(jsonb_object_agg(m.name, m.checksum), '{}') into applied from public.job_queue_migrations as m;
                end if;
                raise exception using errcode = 'JQP00', message = jsonb_build_object(
                    'has_jobs', to_regclass('public.jobs') is not null,
                    'has_executions', to_regclass('public.workflow_executions') is not null,
                    'has_state', to_regclass('public.job_queue_state') is not null,
                    'jobs_columns', (
                        select count(*) from information_schema.columns
                        where table_schema = 'public' and table_name = 'jobs' and column_name in
                            ('required_models', 'queue_position', 'blocked_by_job_id', 'conflict_reason', 'queued_at')),
                    'executions_columns', (
                        select count(*) from information_schema.columns
                        where table_schema = 'public' and table_name = 'workflow_executions' and column_name in
                            ('required_models', 'current_step_model', 'blocked_by_job_id')),
                    'tables', (
                        select count(*) from pg_catalog.pg_tables
                        where schemaname = 'public' and tablename in ('job_queue_state', 'job_queue_log')),
                    'applied', applied)::text;
            end;
            $facts$;
            """;

    /** Whether this is a project that has neither jobs nor a queue, so that 000 is right. */
    public boolean isNew() {
        return applied.containsKey(MigrationFile.NEW_PROJECT) || !(hasJobs || hasExecutions || hasState);
    }
}
