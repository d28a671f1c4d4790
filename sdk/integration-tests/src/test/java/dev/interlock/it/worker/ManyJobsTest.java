package dev.interlock.it.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.JobRequest;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Eight workers in four processes, over jobs whose effects this process sees and whose calls the gateway counts. 2,000 jobs
 * in every build; {@code -Dinterlock.worker.jobs=10000} for more. A run with 10,000 is in {@code docs/reference/workers-run.md}.
 */
class ManyJobsTest extends CoordinatorTestBase {
    static final int CONCURRENCY = 4;

    private static final int PROCESSES = 4;
    private static final int WORKERS = 2;
    private static final int MODELS = 64;
    private static final int JOBS = Integer.getInteger("interlock.worker.jobs", 2000);
    /** What a JVM's own doings may differ by from one moment to another. */
    private static final long SLACK = 6L * 1024 * 1024;

    private final Queue<String> effects = new ConcurrentLinkedQueue<>();
    private final CountDownLatch aFifth = new CountDownLatch(JOBS / 5);
    private final CountDownLatch all = new CountDownLatch(JOBS);

    @Test
    void f169_eachJobHasItsEffectOnceInFlatMemoryWithOneCallAJob() throws Exception {
        List<Member> members = new ArrayList<>();
        for (int i = 0; i < PROCESSES; i++) {
            members.add(start("process" + i));
        }
        for (Member member : members) {
            assertThat(member.next()).isEqualTo(ManyJobsProcess.READY);
        }
        long callsBefore = local.requests();
        long begun = System.nanoTime();
        int batches = 0;
        for (int from = 0; from < JOBS; from += 1000) {
            List<JobRequest> batch = new ArrayList<>();
            for (int i = from; i < Math.min(JOBS, from + 1000); i++) {
                batch.add(job("j" + i, "m" + i % MODELS).build());
            }
            others.enqueueAll(batch);
            batches++;
        }

        assertThat(aFifth.await(5, TimeUnit.MINUTES)).as("a fifth is done").isTrue();
        List<Long> early = memory(members);
        assertThat(all.await(15, TimeUnit.MINUTES)).as("all is done").isTrue();
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun);
        List<Long> late = memory(members);
        for (Member member : members) {
            member.end();
        }
        long calls = local.requests() - callsBefore - batches;

        System.out.printf(
                "%,d jobs, %d workers: %d s, %,d calls (%.2f a job), memory after a fifth %s, at the end %s MiB%n",
                JOBS, PROCESSES * WORKERS, seconds, calls, calls / (double) JOBS, mib(early), mib(late));
        assertThat(effects).hasSize(JOBS).doesNotHaveDuplicates();
        assertThat(completedAtTheFirstAttempt()).isEqualTo(JOBS);
        for (int i = 0; i < PROCESSES; i++) {
            assertThat(late.get(i)).as("memory of process %s", i).isLessThan(early.get(i) * 3 / 2 + SLACK);
        }
        // An outcome a job and the claims of a worker that finds its models taken; several outcomes go in one.
        assertThat(calls).isLessThan(JOBS + JOBS / 4);
    }

    private int completedAtTheFirstAttempt() throws SQLException {
        try (Connection connection = local.openConnection();
                PreparedStatement count = connection.prepareStatement("select count(*) from public.job_queue_jobs"
                        + " where handler = ? and status = 'completed' and attempt = 1")) {
            count.setString(1, name("handler"));
            try (ResultSet result = count.executeQuery()) {
                result.next();
                return result.getInt(1);
            }
        }
    }

    private static List<Long> memory(List<Member> members) throws InterruptedException {
        List<Long> used = new ArrayList<>();
        for (Member member : members) {
            member.in().println("memory");
        }
        for (Member member : members) {
            used.add(Long.parseLong(member.next().substring(ManyJobsProcess.MEMORY.length())));
        }
        return used;
    }

    private static List<Long> mib(List<Long> bytes) {
        return bytes.stream().map(used -> used >> 20).toList();
    }

    private Member start(String process) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx64m",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                ManyJobsProcess.class.getName(),
                name(process),
                name("handler"),
                Integer.toString(WORKERS));
        builder.environment().put("SUPABASE_URL", local.url());
        builder.environment().put("SUPABASE_SECRET_KEY", local.secretKey());
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        Process started = builder.start();
        Member member = closing(new Member(
                started,
                new PrintStream(started.getOutputStream(), true, StandardCharsets.UTF_8),
                new LinkedBlockingQueue<>()));
        Thread reader = new Thread(() -> read(member), "output-of-" + process);
        reader.setDaemon(true);
        reader.start();
        return member;
    }

    private void read(Member member) {
        try (BufferedReader output = member.process().inputReader(StandardCharsets.UTF_8)) {
            for (String line = output.readLine(); line != null; line = output.readLine()) {
                if (line.startsWith(ManyJobsProcess.EFFECT)) {
                    effects.add(line);
                    aFifth.countDown();
                    all.countDown();
                } else {
                    member.said().add(line);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private record Member(Process process, PrintStream in, BlockingQueue<String> said) implements AutoCloseable {
        /** What it says next besides its effects. */
        String next() throws InterruptedException {
            String word = said.poll(60, TimeUnit.SECONDS);
            assertThat(word).isNotNull();
            return String.valueOf(word);
        }

        void end() throws InterruptedException {
            in.close();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("it ended").isTrue();
            assertThat(process.exitValue()).isZero();
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }
}
