package dev.interlock.internal.worker;

import dev.interlock.ConfigurationException;
import java.lang.reflect.Method;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/** The worker's threads, named so that a thread dump tells what they are for. */
public final class Threads {
    private Threads() {}

    /** Threads that do not keep the JVM alive. */
    static ThreadFactory daemons(String name) {
        AtomicInteger count = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }

    /** Refuses a JVM that has no virtual threads. */
    public static void requireVirtual() {
        if (Runtime.version().feature() < 21) {
            throw new ConfigurationException("Virtual threads need Java 21; this is Java "
                    + Runtime.version().feature() + ". Leave virtualThreads() out, or run on a newer Java.");
        }
    }

    /** A virtual thread for each task. By reflection, as the library is compiled for Java 17. */
    static ExecutorService virtual(String name) {
        requireVirtual();
        try {
            Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
            Class<?> type = Class.forName("java.lang.Thread$Builder");
            Object named = type.getMethod("name", String.class, long.class).invoke(builder, name + "-", 1L);
            ThreadFactory factory = (ThreadFactory) type.getMethod("factory").invoke(named);
            Method executor = Executors.class.getMethod("newThreadPerTaskExecutor", ThreadFactory.class);
            return (ExecutorService) executor.invoke(null, factory);
        } catch (ReflectiveOperationException e) {
            throw new ConfigurationException("This Java gives no virtual threads: " + e, e);
        }
    }
}
