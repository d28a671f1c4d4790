package dev.interlock.internal.worker;

import dev.interlock.WorkerListener;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the user's listener; what it throws is logged and changes nothing. */
final class Notices {
    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.JobWorker");

    private final WorkerListener listener;

    Notices(WorkerListener listener) {
        this.listener = listener;
    }

    <T> void tell(BiConsumer<WorkerListener, T> event, T what) {
        tell(l -> event.accept(l, what));
    }

    void tell(Consumer<WorkerListener> event) {
        try {
            event.accept(listener);
        } catch (RuntimeException e) {
            LOG.warn("A WorkerListener threw; that changes nothing", e);
        }
    }
}
