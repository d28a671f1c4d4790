package dev.interlock.it.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Failure F2: the race of many starts, between operating-system processes with connections of their own. */
class TwentyProcessesTest extends EngineTest {

    private static final int PROCESSES = 20;
    private static final int ROUNDS = 200;

    private record Starter(Process process, BufferedReader out, PrintStream in) {}

    @Test
    @DisplayName(
            "F2 Twenty processes start twenty jobs on one model at one instant, 200 times: each time one starts, the others stand in a total order")
    void f2_twentyProcesses() throws Exception {
        List<Starter> starters = new ArrayList<>();
        try {
            for (int i = 0; i < PROCESSES; i++) {
                starters.add(starter(i));
            }
            for (Starter starter : starters) {
                assertThat(starter.out().readLine()).isEqualTo("ready");
            }

            for (int round = 0; round < ROUNDS; round++) {
                for (Starter starter : starters) {
                    starter.in().println("round-" + round);
                }
                List<String> answers = new ArrayList<>();
                for (Starter starter : starters) {
                    answers.add(starter.out().readLine());
                }

                assertThat(answers).containsOnly("started", "queued");
                assertThat(answers).filteredOn("started"::equals).hasSize(1);
            }
        } finally {
            for (Starter starter : starters) {
                starter.in().close();
            }
            for (Starter starter : starters) {
                if (!starter.process().waitFor(20, TimeUnit.SECONDS)) {
                    starter.process().destroyForcibly();
                }
            }
        }

        // Of every line: one holder, who came first, and nineteen who wait behind it with places 1 to 19.
        assertThat(rows("select model from (select l.model, j.status,"
                        + " row_number() over (partition by l.model order by l.line_key, l.seq) as place"
                        + " from public.job_queue_lines l join public.job_queue_jobs j using (job_id)) t"
                        + " group by model having not (count(*) = 20 and count(*) filter (where status = 'running') = 1"
                        + " and min(place) filter (where status = 'running') = 1)"))
                .isEmpty();
        assertThat(rows("select count(distinct model) from public.job_queue_lines"))
                .containsExactly("" + ROUNDS);
        assertThat(queue.position("round-7-3") + queue.position("round-7-4")).isPositive();
    }

    private Starter starter(int number) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx64m",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                StartProcess.class.getName(),
                Integer.toString(number));
        builder.environment().put("SUPABASE_URL", local.url());
        builder.environment().put("SUPABASE_SECRET_KEY", local.secretKey());
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        Process process = builder.start();
        return new Starter(
                process,
                process.inputReader(StandardCharsets.UTF_8),
                new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8));
    }
}
