package dev.interlock.it.faults;

import dev.interlock.JobContext;
import dev.interlock.OutcomeStatus;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/** A worker process's connection to the {@link Witness}: the provider's API, as its handlers see it. Thread-safe. */
final class Provider implements AutoCloseable {

    private final Socket socket;
    private final BufferedReader in;
    private final Writer out;
    private final ReentrantLock lock = new ReentrantLock();
    private final AtomicLong ids = new AtomicLong();

    private Provider(Socket socket) throws IOException {
        this.socket = socket;
        socket.setTcpNoDelay(true);
        in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        out = new OutputStreamWriter(socket.getOutputStream(), StandardCharsets.UTF_8);
    }

    static Provider connect(int port, String process) throws IOException {
        Provider provider = new Provider(new Socket(InetAddress.getLoopbackAddress(), port));
        provider.say("hello", process);
        return provider;
    }

    /** A call that takes so long, on models that the job must hold all the while. */
    void call(JobContext job, String step, List<String> models, int millis) throws InterruptedException {
        begin(job.jobId(), job.token(), step, models, () -> Thread.sleep(millis));
    }

    /** What a call does. */
    interface Work {
        void run() throws InterruptedException;
    }

    void begin(String job, long token, String step, List<String> models, Work work) throws InterruptedException {
        String id = Long.toString(ids.incrementAndGet());
        say("begin", id, job, Long.toString(token), step, String.join(",", models));
        try {
            work.run();
        } finally {
            say("end", id);
        }
    }

    /** An outcome of a job was accepted as its last. */
    void ended(String job, OutcomeStatus status) {
        say("outcome", job, status.name());
    }

    /** Returns when the witness has taken note, so that what happens next is seen to happen next. */
    private void say(String... words) {
        lock.lock();
        try {
            out.write(String.join("\t", words) + "\n");
            out.flush();
            if (in.readLine() == null) {
                throw new IOException("The witness is gone.");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
