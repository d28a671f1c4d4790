package dev.interlock.internal.workflow;

import dev.interlock.InterlockException;
import dev.interlock.LeaseLostException;
import dev.interlock.internal.coordination.Calls;
import dev.interlock.internal.worker.Backoff;
import dev.interlock.internal.worker.RunControl;
import java.time.Duration;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a run writes between its steps. */
final class Writes {
    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.JobWorker");

    private Writes() {}

    /**
     * Sends a write until its answer is known, with the same request id each time: an answer that never arrived neither
     * runs a step again nor loses its output. Goes on through an interrupt, because what is written is done and paid for;
     * the interrupt is there again afterwards. Gives up when the lease can no longer be trusted.
     *
     * @param write takes the request id
     */
    static <T> T send(RunControl run, Function<String, T> write) {
        String requestId = Calls.newRequestId();
        Backoff backoff = new Backoff(Duration.ofMillis(100), Duration.ofSeconds(2));
        boolean interrupted = false;
        run.writing(true);
        try {
            for (int attempt = 1; ; attempt++) {
                interrupted |= Thread.interrupted();
                try {
                    return write.apply(requestId);
                } catch (LeaseLostException e) {
                    throw e;
                } catch (InterlockException e) {
                    if (Calls.isRefusal(e) || !run.isLeaseTrusted()) {
                        throw e;
                    }
                    LOG.debug("A write of job {} is sent again", run.jobId(), e);
                }
                try {
                    Thread.sleep(backoff.delay(attempt).toMillis());
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
