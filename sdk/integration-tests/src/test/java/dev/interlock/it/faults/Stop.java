package dev.interlock.it.faults;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A place where a worker's request stops, so that the worker can be killed just there. One request stops once. Thread-safe. */
final class Stop {

    /** Where a request stops. */
    enum Point {
        /** Sent, and never carried out. */
        BEFORE,
        /** Carried out, but only when its sender is dead. */
        MEANWHILE,
        /** Carried out, and its answer never arrives. */
        AFTER
    }

    /** Carries a request out. */
    interface Request {
        void send() throws IOException, InterruptedException;
    }

    private final String function;
    private final Point point;
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);

    Stop(String function, Point point) {
        this.function = function;
        this.point = point;
    }

    boolean isAt(String path) {
        return path.endsWith("/" + function);
    }

    /** Called for the request that stops; its sender gets no answer. */
    void hold(Request request) throws IOException, InterruptedException {
        if (point == Point.AFTER) {
            request.send();
        }
        reached.countDown();
        released.await();
        if (point == Point.MEANWHILE) {
            request.send();
        }
    }

    /** Waits until a request is there. False: none came in that time. */
    boolean await(long millis) throws InterruptedException {
        return reached.await(millis, TimeUnit.MILLISECONDS);
    }

    /** The sender is dead. */
    void release() {
        released.countDown();
    }
}
