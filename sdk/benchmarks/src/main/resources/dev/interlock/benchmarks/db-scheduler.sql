-- The table of db-scheduler with the indexes that its documentation has for PostgreSQL.

create table db_scheduler.scheduled_tasks (
    task_name text not null,
    task_instance text not null,
    task_data bytea,
    execution_time timestamptz,
    picked boolean not null,
    picked_by text,
    last_success timestamptz,
    last_failure timestamptz,
    consecutive_failures integer,
    last_heartbeat timestamptz,
    version bigint not null,
    priority smallint,
    state text,
    primary key (task_name, task_instance)
);

create index execution_time_idx on db_scheduler.scheduled_tasks (execution_time);
create index last_heartbeat_idx on db_scheduler.scheduled_tasks (last_heartbeat);
create index priority_execution_time_idx on db_scheduler.scheduled_tasks (priority desc, execution_time asc);
