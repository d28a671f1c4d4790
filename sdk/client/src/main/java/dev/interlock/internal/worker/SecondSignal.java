package dev.interlock.internal.worker;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hears SIGTERM and SIGINT while the JVM shuts down, which by itself takes no notice of a second one. Listens from then on
 * only: what a program does with the first signal is its own business.
 *
 * <p>The JVM's one way to hear signals is {@code sun.misc.Signal} of the module {@code jdk.unsupported}, used by reflection:
 * where it is not there, or a signal is kept from the JVM ({@code -Xrs}), a second signal changes nothing, as ever.
 */
final class SecondSignal {
    private static final Logger LOG = LoggerFactory.getLogger("dev.interlock.JobWorker");
    private static final Queue<Runnable> WAITING = new ConcurrentLinkedQueue<>();

    private SecondSignal() {}

    /** Has this done, on a thread of the JVM's, at each signal from now on. For a shutdown hook. */
    static void onSignal(Runnable action) {
        WAITING.add(action);
        listen("TERM");
        listen("INT");
    }

    private static void listen(String signal) {
        try {
            Class<?> signals = Class.forName("sun.misc.Signal");
            Class<?> handlers = Class.forName("sun.misc.SignalHandler");
            Method handle = signals.getMethod("handle", signals, handlers);
            Object hurry =
                    Proxy.newProxyInstance(SecondSignal.class.getClassLoader(), new Class<?>[] {handlers}, new Hurry());
            handle.invoke(null, signals.getConstructor(String.class).newInstance(signal), hurry);
        } catch (ReflectiveOperationException | RuntimeException e) {
            LOG.debug("A second {} will not be noticed", signal, e);
        }
    }

    private static final class Hurry implements InvocationHandler {
        @Override
        public @Nullable Object invoke(Object proxy, Method method, Object[] args) {
            if (method.getName().equals("handle")) {
                LOG.info("A second signal: the workers wait no longer for their jobs");
                WAITING.forEach(Runnable::run);
                return null;
            }
            return switch (method.getName()) {
                case "equals" -> proxy == args[0];
                case "hashCode" -> System.identityHashCode(proxy);
                default -> "the workers' second signal";
            };
        }
    }
}
