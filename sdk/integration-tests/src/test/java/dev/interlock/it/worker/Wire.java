package dev.interlock.it.worker;

import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Interceptor;
import okhttp3.Response;

/** What goes over the wire between a client and the gateway: counted, and broken when a test says so. Thread-safe. */
final class Wire implements Interceptor {
    private final Queue<String> functions = new ConcurrentLinkedQueue<>();
    private final AtomicInteger answersToLose = new AtomicInteger();
    private volatile String losing = "";
    private volatile boolean cut;

    /** Loses the next answers of a function: the database has done its work, and the client never hears of it. */
    void loseAnswers(String function, int times) {
        losing = function;
        answersToLose.set(times);
    }

    /** Nothing gets through until it is mended. */
    void cut() {
        cut = true;
    }

    void mend() {
        cut = false;
    }

    /** The functions that were called so far, in order, each attempt of the client counted. */
    List<String> functions() {
        return List.copyOf(functions);
    }

    long calls(String function) {
        return functions.stream().filter(function::equals).count();
    }

    void forget() {
        functions.clear();
    }

    @Override
    public Response intercept(Chain chain) throws IOException {
        if (cut) {
            throw new IOException("The wire is cut.");
        }
        List<String> path = chain.request().url().pathSegments();
        String function = path.get(path.size() - 1);
        functions.add(function);
        Response response = chain.proceed(chain.request());
        if (function.equals(losing) && answersToLose.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
            response.close();
            throw new IOException("The answer was lost.");
        }
        return response;
    }
}
