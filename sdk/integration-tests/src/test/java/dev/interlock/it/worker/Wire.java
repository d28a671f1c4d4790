package dev.interlock.it.worker;

import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Interceptor;
import okhttp3.MediaType;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okio.Buffer;

/** What goes over the wire between a client and the gateway: counted, and broken when a test says so. Thread-safe. */
public final class Wire implements Interceptor {
    private final Queue<String> functions = new ConcurrentLinkedQueue<>();
    private final AtomicInteger answersToLose = new AtomicInteger();
    private volatile String losing = "";
    private final AtomicInteger answersToReplace = new AtomicInteger();
    private volatile String replacing = "";
    private volatile String replacement = "";
    private volatile String refused = "";
    private volatile boolean cut;
    private volatile String cutFunction = "";
    private volatile boolean badKey;
    private volatile int page;
    private final Queue<Long> claimTimes = new ConcurrentLinkedQueue<>();
    private volatile CountDownLatch gate = new CountDownLatch(0);
    private volatile String gated = "";

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

    /** Answers each call whose body has this text with a 400 and this body, in place of the database. */
    void refuse(String text, String body) {
        refused = text;
        replacement = body;
    }

    /** Nothing gets through until it is mended. */
    public void cut() {
        cut = true;
    }

    /** This function's calls do not get through until it is mended. */
    void cut(String function) {
        cutFunction = function;
    }

    /** The key is one that the project does not know any more. */
    void spoilKey() {
        badKey = true;
    }

    /** A gateway answers everything with its page of this status. */
    void page(int status) {
        page = status;
    }

    /** The calls of a function wait until {@link #letThrough}. */
    void hold(String function) {
        gate = new CountDownLatch(1);
        gated = function;
    }

    void letThrough() {
        gate.countDown();
    }

    public void mend() {
        cut = false;
        cutFunction = "";
        refused = "";
        badKey = false;
        page = 0;
        letThrough();
    }

    /** When each claim was about to be sent, by {@link System#nanoTime()}. */
    List<Long> claimTimes() {
        return List.copyOf(claimTimes);
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
        claimTimes.clear();
    }

    @Override
    public Response intercept(Chain chain) throws IOException {
        if (cut) {
            throw new IOException("The wire is cut.");
        }
        List<String> path = chain.request().url().pathSegments();
        String function = path.get(path.size() - 1);
        functions.add(function);
        if (function.equals("job_queue_claim")) {
            claimTimes.add(System.nanoTime());
        }
        if (function.equals(gated)) {
            waitAtTheGate();
        }
        if (function.equals(cutFunction)) {
            throw new IOException("The wire is cut for " + function + ".");
        }
        if (!refused.isEmpty() && body(chain.request()).contains(refused)) {
            return answer(chain, 400, replacement, "application/json");
        }
        if (page != 0) {
            return answer(
                    chain, page, "<!DOCTYPE html><html><head><title>" + page + "</title></head></html>", "text/html");
        }
        if (function.equals(replacing) && answersToReplace.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
            return answer(chain, 400, replacement, "application/json");
        }
        Request request = badKey
                ? chain.request()
                        .newBuilder()
                        .header("apikey", "sb_secret_revokedrevokedrevoked_revoked1")
                        .removeHeader("Authorization")
                        .build()
                : chain.request();
        Response response = chain.proceed(request);
        if (function.equals(losing) && answersToLose.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
            response.close();
            throw new IOException("The answer was lost.");
        }
        return response;
    }

    private static String body(Request request) throws IOException {
        Buffer buffer = new Buffer();
        if (request.body() != null) {
            request.body().writeTo(buffer);
        }
        return buffer.readUtf8();
    }

    private void waitAtTheGate() throws IOException {
        try {
            if (!gate.await(60, TimeUnit.SECONDS)) {
                throw new IOException("Nobody opened the gate.");
            }
        } catch (InterruptedException e) {
            throw new IOException("Interrupted at the gate.", e);
        }
    }

    private static Response answer(Chain chain, int status, String body, String type) {
        return new Response.Builder()
                .request(chain.request())
                .protocol(Protocol.HTTP_1_1)
                .code(status)
                .message("As the test says")
                .body(ResponseBody.create(body, MediaType.get(type)))
                .build();
    }
}
