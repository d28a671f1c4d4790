package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** max_overtakes: a job held up by one of its models may be passed in the lines of the others, so many times and no more. */
class OvertakesTest extends EngineTest {
    private long holder;

    /** "held" has its turn for m and waits for n, which "holder" has. */
    @BeforeEach
    void heldUp() {
        holder = queue.startNow("holder", "n");
        queue.enqueue(Queue.job("held", "m", "n"));
    }

    @Test
    @DisplayName("Without it nobody passes")
    void none() {
        assertThat(queue.start("k", "m").path("result").asString()).isEqualTo("queued");
        assertThat(queue.claim("w", 5)).isEmpty();
    }

    @Test
    @DisplayName("So many later jobs start on the model that it keeps, then no more; and it is next")
    void bounded() throws Exception {
        queue.setLimits(Map.of("max_overtakes", 2));
        queue.enqueue(Queue.job("k1", "m"), Queue.job("k2", "m"), Queue.job("k3", "m"));

        assertThat(queue.claim("w", 5)).containsExactly("k1");
        assertThat(claimAfter("k1")).containsExactly("k2");
        assertThat(claimAfter("k2")).isEmpty();
        assertThat(rows("select overtaken from public.job_queue_jobs where job_id = 'held'"))
                .containsExactly("2");
        assertThat(rows("select metadata -> 'passed' from public.job_queue_log where event_type = 'started'"
                        + " and job_id like 'k%' order by seq"))
                .containsExactly("[\"held\"]", "[\"held\"]");

        queue.complete("holder", holder);
        assertThat(queue.claim("w", 5)).containsExactly("held");
    }

    @Test
    @DisplayName("What only waits for this model is passed by nobody: the first in line is lent the model")
    void onlyTheHeldUpArePassed() throws Exception {
        queue.setLimits(Map.of("max_overtakes", 5));
        assertThat(queue.start("first", "m").path("result").asString()).isEqualTo("started");
        queue.enqueue(Queue.job("second", "m"), Queue.job("third", "m"));
        assertThat(queue.claim("w", 5)).isEmpty();
        assertThat(claimAfter("first")).containsExactly("second");
    }

    @Test
    @DisplayName("A job that needs two kept models takes both or none")
    void bothOrNone() throws Exception {
        queue.setLimits(Map.of("max_overtakes", 1));
        queue.enqueue(Queue.job("held-too", "o", "n"));
        assertThat(queue.start("k", "m", "o").path("result").asString()).isEqualTo("started");
        assertThat(
                        rows(
                                "select job_id || ' ' || overtaken from public.job_queue_jobs where job_id like 'held%' order by 1"))
                .containsExactly("held 1", "held-too 1");

        queue.complete("k", token("k"));
        assertThat(queue.start("l", "o", "p").path("result").asString()).isEqualTo("queued");
    }

    @Test
    @DisplayName("What a dead lease gives back may be lent by the claim that takes it back")
    void afterADeadLease() throws Exception {
        queue.setLimits(Map.of("max_overtakes", 1));
        queue.enqueue(Queue.job("dies", Map.of("max_attempts", 1), "p"));
        assertThat(queue.claim("w", 1)).containsExactly("dies");
        queue.enqueue(Queue.job("held-too", "p", "n"), Queue.job("k", "p"));
        letLeaseRunOut("dies");
        assertThat(queue.claim("w", 5)).containsExactly("k");
    }

    @Test
    @DisplayName("A job that comes into line, and is held up, may be passed by the claim that lets it in")
    void afterOneFellDue() throws Exception {
        queue.setLimits(Map.of("max_overtakes", 1));
        queue.enqueue(
                Queue.job("due", Map.of("run_at", "2100-01-01T00:00:00Z", "priority", 1), "p", "n"),
                Queue.job("k", "p"));
        sql("update public.job_queue_jobs set due_at = now() where job_id = 'due'");
        assertThat(queue.claim("w", 5)).containsExactly("k");
        assertThat(rows("select overtaken from public.job_queue_jobs where job_id = 'due'"))
                .containsExactly("1");
    }

    @Test
    @DisplayName("Many workers at one instant: the bound is kept exactly")
    void exactUnderConcurrency() throws Exception {
        queue.setLimits(Map.of("max_overtakes", 3));
        queue.setModel("m", Map.of("capacity", 2));
        queue.enqueue(Queue.job("held-2", "m", "n"));
        List<Map<String, Object>> jobs = new ArrayList<>();
        IntStream.range(0, 30).forEach(i -> jobs.add(Queue.job("k" + i, "m")));
        queue.enqueueAll(jobs);

        List<Callable<Integer>> workers = new ArrayList<>();
        for (int w = 0; w < 8; w++) {
            String worker = "w" + w;
            workers.add(() -> {
                int started = 0;
                for (int round = 0; round < 6; round++) {
                    for (String id : queue.claim(worker, 2)) {
                        queue.complete(id, token(id));
                        started++;
                    }
                }
                return started;
            });
        }
        int started = atOnce(workers).stream().mapToInt(Integer::intValue).sum();
        // What a worker passed by because another had it locked, one alone finds.
        for (List<String> ids = queue.claim("w", 1); !ids.isEmpty(); ids = queue.claim("w", 1)) {
            queue.complete(ids.get(0), token(ids.get(0)));
            started++;
        }

        assertThat(started).isEqualTo(3);
        assertThat(rows("select overtaken from public.job_queue_jobs where job_id like 'held%'"))
                .containsOnly("3");
    }

    private List<String> claimAfter(String ended) throws Exception {
        return Queue.ids(queue.end(ended, token(ended), "complete", Map.of("claim", Map.of("max_jobs", 5))));
    }
}
