package dev.interlock.it.longrun;

import java.util.LinkedHashMap;
import java.util.Map;

/** What holds in every committed state, each as a query for what breaks it. */
final class Invariants {

    static final Map<String, String> QUERIES = new LinkedHashMap<>();

    static {
        QUERIES.put(
                "I2: a running job lacks a seat",
                "select l.job_id from public.job_queue_lines l join public.job_queue_jobs j using (job_id)"
                        + " where l.seat is null and j.status = 'running' limit 1");
        QUERIES.put(
                "I5: a free seat while somebody waits for one",
                "select m.model from public.job_queue_models m where not m.paused"
                        + " and exists (select from public.job_queue_lines l where l.model = m.model and l.seat is null)"
                        + " and (select count(*) from public.job_queue_lines l where l.model = m.model and l.seat is not null)"
                        + " < m.capacity limit 1");
        QUERIES.put(
                "I3: a seat went to one behind",
                "select l.job_id from public.job_queue_lines l join public.job_queue_jobs j using (job_id)"
                        + " where l.seat is not null and j.status = 'waiting' and exists (select from public.job_queue_lines u"
                        + " where u.model = l.model and u.seat is null and (u.line_key, u.seq) < (l.line_key, l.seq)) limit 1");
        QUERIES.put(
                "runnable is not what the seats say",
                "select j.job_id from public.job_queue_jobs j where j.status = 'waiting' and j.runnable"
                        + " <> not exists (select from public.job_queue_lines l where l.job_id = j.job_id and l.seat is null) limit 1");
        QUERIES.put(
                "I10: a job stands in a line that neither waits nor runs",
                "select l.job_id from public.job_queue_lines l left join public.job_queue_jobs j using (job_id)"
                        + " where j.status is null or j.status not in ('waiting', 'running') limit 1");
        QUERIES.put(
                "I2: a running job lacks a line",
                "select j.job_id from public.job_queue_jobs j where j.status = 'running' and cardinality(j.models)"
                        + " <> (select count(*) from public.job_queue_lines l where l.job_id = j.job_id and l.model <> '') limit 1");
    }

    private Invariants() {}
}
