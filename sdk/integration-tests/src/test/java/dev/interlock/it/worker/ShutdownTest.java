package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.JobExplanation;
import dev.interlock.JobStatus;
import dev.interlock.JobWorker;
import dev.interlock.Outcome;
import dev.interlock.WorkerState;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The end of a worker: by the program, and by signals to a process of its own. */
class ShutdownTest extends CoordinatorTestBase {
    /** What a JVM that SIGTERM ended exits with. */
    private static final int TERMINATED = 143;

    @Test
    void sigterm_letsTheJobEndAndTakesNoNewOne() throws Exception {
        others.enqueue(job("j", "m").handler(name("until-it-closes")).build());
        others.enqueue(job("next", "m").handler(name("until-it-closes")).build());
        Program program = start();
        program.await("inside");

        program.signal("TERM");

        assertThat(program.exit()).isEqualTo(TERMINATED);
        assertThat(others.explain(name("j")).result(String.class)).isEqualTo("in time");
        JobExplanation next = others.explain(name("next"));
        assertThat(next.status()).isEqualTo(JobStatus.WAITING);
        assertThat(next.attempt()).isZero();
        assertThat(next.runnable()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT"})
    void secondSignal_givesTheJobBackWithoutTheGraceTime(String second) throws Exception {
        others.enqueue(job("j", "m").handler(name("for-ever")).build());
        Program program = start();
        program.await("inside");

        program.signal("TERM");
        program.await("closing");
        // It waits up to ten minutes now.
        boolean ended = false;
        for (int i = 0; i < 300 && !ended; i++) {
            ended = program.signalled(second);
        }
        assertThat(ended).isTrue();

        assertThat(program.exit()).isEqualTo(TERMINATED);
        assertGivenBack("j");
    }

    @Test
    void closeNow_hurriesTheCloseOfAnotherThread() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        JobWorker worker = closing(JobWorker.builder(coordinator)
                .handle(name("handler"), job -> {
                    inside.countDown();
                    new CountDownLatch(1).await();
                    return Outcome.complete();
                })
                .closeGrace(Duration.ofMinutes(10))
                .build());
        others.enqueue(job("j", "m").build());
        worker.start();
        await(inside);

        Thread closer = new Thread(worker::close);
        closer.start();
        while (worker.state().phase() == WorkerState.Phase.RUNNING) {
            Thread.onSpinWait();
        }
        worker.closeNow();
        closer.join();

        assertThat(worker.state().phase()).isEqualTo(WorkerState.Phase.CLOSED);
        assertGivenBack("j");
    }

    @Test
    void closeNow_leavesAHandlerThatDoesNotStopToItsLease() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        JobWorker worker = closing(JobWorker.builder(coordinator)
                .handle(name("handler"), job -> {
                    inside.countDown();
                    while (end.getCount() > 0) {
                        Thread.onSpinWait();
                    }
                    return Outcome.complete("too late");
                })
                .stopTime(Duration.ofMillis(100))
                .build());
        others.enqueue(job("j", "m").build());
        worker.start();
        await(inside);

        worker.closeNow();
        end.countDown();

        // Its model is in use as long as the handler runs, so nobody else may start on it.
        assertThat(others.explain(name("j")).status()).isEqualTo(JobStatus.RUNNING);
    }

    private void assertGivenBack(String id) {
        JobExplanation job = others.explain(name(id));
        assertThat(job.status()).isEqualTo(JobStatus.WAITING);
        assertThat(job.attempt()).isZero();
        assertThat(job.runnable()).isTrue();
    }

    private Program start() throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-Xmx64m",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                SignalledProcess.class.getName(),
                name(""));
        builder.environment().put("SUPABASE_URL", local.url());
        builder.environment().put("SUPABASE_SECRET_KEY", local.secretKey());
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        Process process = builder.start();
        return closing(new Program(process, process.inputReader()));
    }

    private record Program(Process process, BufferedReader output) implements AutoCloseable {
        /** Reads on to this word. */
        void await(String word) throws IOException {
            String line = output.readLine();
            while (line != null && !line.equals(word)) {
                line = output.readLine();
            }
            assertThat(line).isEqualTo(word);
        }

        void signal(String name) throws IOException, InterruptedException {
            assertThat(new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                            .start()
                            .waitFor())
                    .isZero();
        }

        /** Signals again; whether the process has ended, or is about to. It may not have begun to listen with the first. */
        boolean signalled(String name) throws IOException, InterruptedException {
            if (process.isAlive()) {
                new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor();
            }
            return process.waitFor(100, TimeUnit.MILLISECONDS);
        }

        int exit() throws InterruptedException {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("it ended").isTrue();
            return process.exitValue();
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }
}
