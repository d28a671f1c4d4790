package dev.interlock.it.engine;

import static dev.interlock.it.engine.Interleaving.Point.job;
import static dev.interlock.it.engine.Interleaving.Point.model;
import static dev.interlock.it.engine.Interleaving.Point.request;
import static dev.interlock.it.engine.Interleaving.Point.returned;
import static dev.interlock.it.engine.Interleaving.Point.row;
import static dev.interlock.it.engine.Interleaving.Point.settings;
import static dev.interlock.it.engine.Words.NOTHING;
import static dev.interlock.it.engine.Words.await;
import static dev.interlock.it.engine.Words.awaitKeeping;
import static dev.interlock.it.engine.Words.awaiting;
import static dev.interlock.it.engine.Words.callback;
import static dev.interlock.it.engine.Words.cancel;
import static dev.interlock.it.engine.Words.checkpoint;
import static dev.interlock.it.engine.Words.claim;
import static dev.interlock.it.engine.Words.dead;
import static dev.interlock.it.engine.Words.end;
import static dev.interlock.it.engine.Words.extend;
import static dev.interlock.it.engine.Words.pastItsBound;
import static dev.interlock.it.engine.Words.runningFlow;
import static dev.interlock.it.engine.Words.setModel;
import static dev.interlock.it.engine.Words.start;
import static dev.interlock.it.engine.Words.waiting;
import static dev.interlock.it.engine.Words.withRows;
import static dev.interlock.it.engine.Words.world;

import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Forced interleavings of steps that wait for a callback (I1, I4, I5, I7, I8): whatever crosses it, the callback is not lost, brings its job back
 * once, and nobody gets an error.
 */
class InterleavingOfCallbacksTest extends ForcedTest {

    @TestFactory
    @DisplayName("await/callback, cancel, take-back")
    Stream<DynamicTest> awaits() {
        return forced(
                Interleaving.of(
                        "await/its callback",
                        world(withRows("c"), runningFlow("c", "m"), waiting("a", "m")),
                        await("c").at(row("c"), settings(), model("m"), job("c"), job("a"), returned()),
                        callback("c", "x").at(row("c"), model("m"), job("c"), returned())),
                Interleaving.of(
                        "await with the models kept/its callback",
                        world(runningFlow("c", "m"), waiting("a", "m")),
                        awaitKeeping("c").at(model("m"), job("c"), returned()),
                        callback("c", "x").at(model("m"), job("c"), returned())),
                Interleaving.of(
                        "await/cancel",
                        world(runningFlow("c", "m"), waiting("a", "m")),
                        await("c").at(model("m"), job("c"), job("a"), returned()),
                        cancel("c").at(model("m"), job("c"), returned())),
                Interleaving.of(
                        "await after the lease/take-back",
                        world(runningFlow("c", "m"), dead("c")),
                        await("c").at(model("m"), job("c"), returned()),
                        claim("w", 5)
                                .at(settings(), model("m"), job("c"), returned())
                                .orPassing(NOTHING)),
                Interleaving.of(
                        "await/the start of the job that gets its model",
                        world(runningFlow("c", "m"), waiting("a", "m")),
                        await("c").at(model("m"), job("c"), job("a"), returned()),
                        start("a", "m").at(settings(), model("m"), job("a"), returned())));
    }

    @TestFactory
    @DisplayName("callback/the bound, callback, cancel, pause, outcome")
    Stream<DynamicTest> callbacks() {
        return forced(
                Interleaving.of(
                        "callback/a claim past the bound",
                        world(withRows("c"), runningFlow("c", "m"), awaiting("c"), pastItsBound("c")),
                        callback("c", "x").at(row("c"), settings(), model("m"), job("c"), returned()),
                        claim("w", 5)
                                .at(settings(), model("m"), job("c"), returned())
                                .orPassing(NOTHING)),
                Interleaving.of(
                        "callback/another callback",
                        world(runningFlow("c", "m"), awaiting("c")),
                        callback("c", "x").at(model("m"), job("c"), returned()),
                        callback("c", "y").at(model("m"), job("c"), returned())),
                Interleaving.of(
                        "callback/the same callback again",
                        world(runningFlow("c", "m"), awaiting("c")),
                        callback("c", "x").at(request("bx"), model("m"), job("c"), returned()),
                        callback("c", "x").at(request("bx"), model("m"), job("c"), returned())),
                Interleaving.of(
                        "callback/an extension",
                        world(runningFlow("c", "m"), awaiting("c")),
                        callback("c", "x").at(model("m"), job("c"), returned()),
                        extend("c").at(model("m"), job("c"), returned())),
                Interleaving.of(
                        "an extension/a claim",
                        world(runningFlow("c", "m"), awaiting("c"), waiting("a", "m")),
                        extend("c").at(model("m"), job("c"), returned()),
                        claim("w", 5).at(settings(), returned()).orPassing(NOTHING)),
                Interleaving.of(
                        "callback/cancel",
                        world(withRows("c"), runningFlow("c", "m"), awaiting("c")),
                        callback("c", "x").at(row("c"), settings(), model("m"), job("c"), returned()),
                        cancel("c").at(row("c"), model("m"), job("c"), returned())),
                Interleaving.of(
                        "callback/a pause of its model",
                        world(runningFlow("c", "m"), awaiting("c")),
                        callback("c", "x").at(settings(), model("m"), job("c"), returned()),
                        setModel("m", "\"paused\": true").at(settings(), model("m"), returned())),
                Interleaving.of(
                        "callback/a retry of its step",
                        world(runningFlow("c", "m")),
                        callback("c", "x").at(model("m"), job("c"), returned()),
                        end("retry", "q", "", "c").at(model("m"), job("c"), returned())),
                Interleaving.of(
                        "callback/the checkpoint of its step",
                        world(runningFlow("c", "m")),
                        callback("c", "x").at(model("m"), job("c"), returned()),
                        checkpoint("c").at(model("m"), job("c"), returned())),
                Interleaving.of(
                        "callback/complete of the job that has its model",
                        world(
                                runningFlow("c", "m"),
                                awaiting("c"),
                                waiting("b", "m"),
                                "select public.job_queue_start('{b}', '[\"m\"]', '{\"worker_id\": \"old\"}')"),
                        callback("c", "x").at(model("m"), job("c"), returned()),
                        end("complete", "qb", "", "b").at(model("m"), job("b"), returned())));
    }

    @TestFactory
    @DisplayName("Three calls")
    Stream<DynamicTest> three() {
        return forced(
                Interleaving.of(
                        "await/callback/cancel",
                        world(runningFlow("c", "m")),
                        await("c").at(model("m"), returned()),
                        callback("c", "x").at(model("m"), returned()),
                        cancel("c").at(model("m"), returned())),
                Interleaving.of(
                        "callback/cancel/a claim past the bound",
                        world(runningFlow("c", "m"), awaiting("c"), pastItsBound("c")),
                        callback("c", "x").at(model("m"), returned()),
                        cancel("c").at(job("c"), returned()),
                        claim("w", 5).at(model("m"), returned()).orPassing(NOTHING)));
    }
}
