package dev.interlock.it.worker;

import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Interceptor;
import okhttp3.MediaType;
import okhttp3.Protocol;
import okhttp3.Response;
import okhttp3.ResponseBody;

/** What goes over the wire between a client and the gateway: counted, and broken when a test says so. Thread-safe. */
public final class Wire implements Interceptor {
    private final Queue<String> functions = new ConcurrentLinkedQueue<>();
    private final AtomicInteger answersToLose = new AtomicInteger();
    private volatile String losing = "";
    private final AtomicInteger answersToReplace = new AtomicInteger();
    private volatile String replacing = "";
    private volatile String replacement = "";
    private volatile boolean cut;

    /** Loses the next answers of a function: the database has done its work, and the client never hears of it. */
    public void loseAnswers(String function, int times) {
        losing = function;
        answersToLose.set(times);
    }

    /** Answers the next calls of a function with a 400 and this body, in place of the database. */
    public void answer400(String function, int times, String body) {
        replacing = function;
        replacement = body;
        answersToReplace.set(times);
    }

    /** Nothing gets through until it is mended. */
    public void cut() {
        cut = true;
    }

    public void mend() {
        cut = false;
    }

    /** The functions that were called so far, in order, each attempt of the client counted. */
    public List<String> functions() {
        return List.copyOf(functions);
    }

    public long calls(String function) {
        return functions.stream().filter(function::equals).count();
    }

    public void forget() {
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
        if (function.equals(replacing) && answersToReplace.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
            return new Response.Builder()
                    .request(chain.request())
                    .protocol(Protocol.HTTP_1_1)
                    .code(400)
                    .message("Bad Request")
                    .body(ResponseBody.create(replacement, MediaType.get("application/json")))
                    .build();
        }
        Response response = chain.proceed(chain.request());
        if (function.equals(losing) && answersToLose.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
            response.close();
            throw new IOException("The answer was lost.");
        }
        return response;
    }
}
