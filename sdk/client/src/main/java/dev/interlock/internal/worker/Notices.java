package dev.interlock.internal.worker;

import dev.interlock.WorkerListener;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the user's listeners; what they throw is logged and changes nothing. */
final class Notices {
    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.JobWorker");

    private final List<WorkerListener> listeners;

    Notices(List<WorkerListener> listeners) {
        this.listeners = listeners;
    }

    <T> void tell(BiConsumer<WorkerListener, T> event, T what) {
        tell(l -> event.accept(l, what));
    }

    void tell(Consumer<WorkerListener> event) {
        for (WorkerListener listener : listeners) {
            try {
                event.accept(listener);
            } catch (RuntimeException | LinkageError | AssertionError e) {
                LOG.warn("A WorkerListener threw; that changes nothing", e);
            }
        }
    }
}
