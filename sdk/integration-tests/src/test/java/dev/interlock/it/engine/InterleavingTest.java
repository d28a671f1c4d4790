package dev.interlock.it.engine;

import static dev.interlock.it.engine.Interleaving.Point.job;
import static dev.interlock.it.engine.Interleaving.Point.model;
import static dev.interlock.it.engine.Interleaving.Point.newJob;
import static dev.interlock.it.engine.Interleaving.Point.newModel;
import static dev.interlock.it.engine.Interleaving.Point.request;
import static dev.interlock.it.engine.Interleaving.Point.returned;
import static dev.interlock.it.engine.Interleaving.Point.row;
import static dev.interlock.it.engine.Interleaving.Point.settings;
import static dev.interlock.it.engine.Interleaving.Point.state;
import static dev.interlock.it.engine.Words.NOTHING;
import static dev.interlock.it.engine.Words.ONE_AT_A_TIME;
import static dev.interlock.it.engine.Words.cancel;
import static dev.interlock.it.engine.Words.claim;
import static dev.interlock.it.engine.Words.complete;
import static dev.interlock.it.engine.Words.completeAndClaim;
import static dev.interlock.it.engine.Words.dead;
import static dev.interlock.it.engine.Words.end;
import static dev.interlock.it.engine.Words.enqueue;
import static dev.interlock.it.engine.Words.enqueueAhead;
import static dev.interlock.it.engine.Words.enqueueUnrestricted;
import static dev.interlock.it.engine.Words.heartbeat;
import static dev.interlock.it.engine.Words.insert;
import static dev.interlock.it.engine.Words.models;
import static dev.interlock.it.engine.Words.release;
import static dev.interlock.it.engine.Words.running;
import static dev.interlock.it.engine.Words.setAlias;
import static dev.interlock.it.engine.Words.setLimit;
import static dev.interlock.it.engine.Words.setModel;
import static dev.interlock.it.engine.Words.spent;
import static dev.interlock.it.engine.Words.start;
import static dev.interlock.it.engine.Words.startAs;
import static dev.interlock.it.engine.Words.user;
import static dev.interlock.it.engine.Words.waiting;
import static dev.interlock.it.engine.Words.waitingWith;
import static dev.interlock.it.engine.Words.withRows;
import static dev.interlock.it.engine.Words.world;

import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Forced interleavings of two calls (I1, I2, I4, I5, I7, I8, I10): each stopped at every lock point it comes to, in every order that matters.
 * However they cross, nobody gets an error and nobody waits at the end, and answers and state are those of one of the two serial orders.
 */
class InterleavingTest extends ForcedTest {

    /** A heartbeat that passes over a job that is just being taken back, or ended. */
    private static String held(boolean goesOn) {
        return "{\"leases\": [{\"token\": 1, \"job_id\": \"c\", \"result\": \"held\", \"lease_until\": null}], \"goes_on\": "
                + goesOn + "}";
    }

    @TestFactory
    @DisplayName("start/start")
    Stream<DynamicTest> startStart() {
        return forced(
                Interleaving.of(
                        "start/start on a known model, each with a row",
                        world(withRows("a", "b"), models(1, "m")),
                        start("a", "m").at(row("a"), settings(), model("m"), returned()),
                        start("b", "m").at(row("b"), settings(), model("m"), returned())),
                Interleaving.of(
                        "start/start on a new model",
                        world(),
                        start("a", "m").at(settings(), newModel("m"), returned()),
                        start("b", "m").at(settings(), newModel("m"), returned())),
                Interleaving.of(
                        "start/start on two models named crosswise",
                        world(models(1, "m", "n")),
                        start("a", "m", "n").at(model("m"), model("n"), returned()),
                        start("b", "n", "m").at(model("m"), model("n"), returned())),
                Interleaving.of(
                        "start/start on new models and a shared one",
                        world(models(1, "n")),
                        start("a", "n", "a1").at(newModel("a1"), model("n"), returned()),
                        start("b", "b1", "n").at(newModel("b1"), model("n"), returned())),
                Interleaving.of(
                        "start/start of the same new job",
                        world(withRows("a"), models(1, "m")),
                        startAs("r1", "w1", "a", "m").at(row("a"), settings(), model("m"), returned()),
                        startAs("r2", "w2", "a", "m").at(row("a"), settings(), model("m"), returned())),
                Interleaving.of(
                        "start/start of the same job that could run already",
                        world(withRows("a"), waiting("a", "m")),
                        startAs("r1", "w1", "a", "m").at(row("a"), model("m"), job("a"), returned()),
                        startAs("r2", "w2", "a", "m").at(row("a"), model("m"), job("a"), returned())),
                Interleaving.of(
                        "start/start, the same request twice",
                        world(withRows("a")),
                        startAs("r1", "w1", "a", "m").at(request("r1"), row("a"), newModel("m"), returned()),
                        startAs("r1", "w1", "a", "m").at(request("r1"), row("a"), newModel("m"), returned())),
                Interleaving.of(
                        "start/start one at a time",
                        world(models(1, "m", "n"), ONE_AT_A_TIME),
                        start("a", "m").at(model(""), state(), returned()),
                        start("b", "n").at(model(""), state(), returned())));
    }

    @TestFactory
    @DisplayName("start/complete")
    Stream<DynamicTest> startComplete() {
        return forced(
                Interleaving.of(
                        "start/complete",
                        world(withRows("a", "c"), running("c", "m")),
                        start("a", "m").at(row("a"), settings(), model("m"), returned()),
                        complete("c").at(row("c"), settings(), model("m"), job("c"), returned())),
                Interleaving.of(
                        "start/complete, the start of a job that waits for it",
                        world(withRows("a", "c"), running("c", "m"), waiting("a", "m")),
                        start("a", "m").at(row("a"), model("m"), job("a"), returned()),
                        complete("c").at(row("c"), model("m"), job("c"), job("a"), returned())),
                Interleaving.of(
                        "start/complete one at a time",
                        world(models(1, "n"), ONE_AT_A_TIME, running("c", "m")),
                        start("a", "n").at(model(""), state(), returned()),
                        complete("c").at(model(""), job("c"), state(), returned())),
                Interleaving.of(
                        "start again/complete, a dead lease on the way",
                        world(
                                models(2, "m"),
                                running("c", "m"),
                                running("d", "m"),
                                waiting("a", "m"),
                                running("e", "n"),
                                waiting("b", "m", "n"),
                                spent("e")),
                        start("a", "m").at(model("n"), job("e"), job("b"), job("a"), returned()),
                        complete("c", "d").at(model("m"), job("c"), job("a"), job("b"), returned())),
                Interleaving.of(
                        "start/fail of the same job",
                        world(withRows("c"), running("c", "m")),
                        start("c", "m").at(row("c"), model("m"), job("c"), returned()),
                        end("fail", "q", "", "c").at(row("c"), model("m"), job("c"), returned())));
    }

    @TestFactory
    @DisplayName("complete/complete")
    Stream<DynamicTest> completeComplete() {
        return forced(
                Interleaving.of(
                        "complete/complete of the two that a job waits for",
                        world(withRows("a", "c", "d"), running("c", "m"), running("d", "n"), waiting("a", "m", "n")),
                        complete("c").at(row("c"), settings(), model("m"), job("c"), job("a"), returned()),
                        complete("d").at(row("d"), settings(), model("n"), job("d"), job("a"), returned())),
                Interleaving.of(
                        "complete/complete on a shared model",
                        world(
                                models(2, "m"),
                                running("c", "m", "n"),
                                running("d", "m", "o"),
                                waiting("a", "m", "n"),
                                waiting("b", "m", "o")),
                        complete("c").at(model("m"), job("c"), job("a"), job("b"), returned()),
                        complete("d").at(model("m"), job("d"), job("a"), job("b"), returned())),
                Interleaving.of(
                        "complete/complete of the same run",
                        world(withRows("c"), running("c", "m"), waiting("a", "m")),
                        end("complete", "q1", "", "c").at(row("c"), model("m"), job("c"), returned()),
                        end("fail", "q2", "", "c").at(row("c"), model("m"), job("c"), returned())),
                Interleaving.of(
                        "complete/complete, the same request twice",
                        world(withRows("c"), running("c", "m"), waiting("a", "m")),
                        completeAndClaim("w", "c").at(request("qw"), row("c"), model("m"), job("c"), returned()),
                        completeAndClaim("w", "c").at(request("qw"), row("c"), model("m"), job("c"), returned())),
                Interleaving.of(
                        "complete/complete of the same runs in two batches",
                        world(withRows("c", "d"), running("c", "m"), running("d", "n"), waiting("a", "m", "n")),
                        complete("c", "d").at(row("c"), model("m"), job("c"), returned()),
                        complete("d", "c").at(row("c"), model("m"), job("c"), returned())),
                Interleaving.of(
                        "complete-and-claim/complete-and-claim",
                        world(running("c", "m"), running("d", "n"), waiting("a", "m", "n"), waiting("b", "n")),
                        completeAndClaim("w1", "c").at(model("m"), job("c"), job("a"), returned()),
                        completeAndClaim("w2", "d").at(model("n"), job("d"), job("a"), returned())),
                Interleaving.of(
                        "complete/retry at once",
                        world(running("c", "m"), running("d", "n"), waiting("a", "m", "n")),
                        complete("c").at(model("m"), job("c"), job("a"), returned()),
                        end("retry", "q", "", "d").at(model("n"), job("d"), returned())));
    }

    @TestFactory
    @DisplayName("claim/claim")
    Stream<DynamicTest> claimClaim() {
        return forced(
                Interleaving.of(
                        "claim/claim of two jobs",
                        world(withRows("a", "b"), waiting("a", "m"), waiting("b", "n")),
                        claim("w1", 1)
                                .at(request("kw1"), settings(), returned())
                                .orPassing(NOTHING),
                        claim("w2", 1)
                                .at(request("kw2"), settings(), returned())
                                .orPassing(NOTHING)),
                Interleaving.of(
                        "claim/claim, the same request twice",
                        world(withRows("a"), waiting("a", "m")),
                        claim("w1", 1).at(request("kw1"), settings(), returned()),
                        claim("w1", 1).at(request("kw1"), settings(), returned())),
                Interleaving.of(
                        "claim/claim, a dead lease",
                        world(withRows("c"), running("c", "m"), waiting("a", "m"), dead("c")),
                        claim("w1", 2)
                                .at(settings(), model("m"), job("c"), returned())
                                .orPassing(NOTHING),
                        claim("w2", 2)
                                .at(settings(), model("m"), job("c"), returned())
                                .orPassing(NOTHING)),
                Interleaving.of(
                        "claim/claim, a dead lease of the last attempt",
                        world(withRows("a"), running("c", "m"), waiting("a", "m"), spent("c")),
                        claim("w1", 2)
                                .at(model("m"), job("c"), job("a"), returned())
                                .orPassing(NOTHING),
                        claim("w2", 2)
                                .at(model("m"), job("c"), job("a"), returned())
                                .orPassing(NOTHING)),
                Interleaving.of(
                        "claim/claim, a due job and one past its deadline",
                        world(
                                waitingWith("\"run_at\": \"2999-01-01T00:00:00Z\"", "a", "m"),
                                waitingWith("\"deadline\": \"2001-01-01T00:00:00Z\"", "b", "m"),
                                "update public.job_queue_jobs set due_at = now() where job_id = '{a}'"),
                        claim("w1", 2)
                                .at(model("m"), job("a"), job("b"), returned())
                                .orPassing(NOTHING),
                        claim("w2", 2)
                                .at(model("m"), job("a"), job("b"), returned())
                                .orPassing(NOTHING)),
                Interleaving.of(
                        "claim/claim one at a time",
                        world(ONE_AT_A_TIME, running("c", "m"), waiting("a", "m"), waiting("b", "n"), spent("c")),
                        claim("w1", 2)
                                .at(model(""), job("a"), state(), returned())
                                .orPassing(NOTHING),
                        claim("w2", 2)
                                .at(model(""), job("a"), state(), returned())
                                .orPassing(NOTHING)));
    }

    @TestFactory
    @DisplayName("claim, start, complete/capacity, pause, limit")
    Stream<DynamicTest> capacity() {
        return forced(
                Interleaving.of(
                        "claim/a raised capacity",
                        world(withRows("a"), running("c", "m"), waiting("a", "m"), waiting("b", "m")),
                        claim("w", 5).at(request("kw"), settings(), returned()).orPassing(NOTHING),
                        setModel("m", "\"capacity\": 2").at(settings(), model("m"), job("a"), returned())),
                Interleaving.of(
                        "claim/a lowered capacity",
                        world(models(2, "m"), waiting("a", "m"), waiting("b", "m")),
                        claim("w", 5).at(settings(), returned()).orPassing(NOTHING),
                        setModel("m", "\"capacity\": 1").at(settings(), model("m"), returned())),
                Interleaving.of(
                        "claim/a pause",
                        world(withRows("a"), waiting("a", "m", "n"), waiting("b", "n")),
                        claim("w", 5).at(settings(), returned()).orPassing(NOTHING),
                        setModel("m", "\"paused\": true").at(settings(), model("m"), job("a"), job("b"), returned())),
                Interleaving.of(
                        "start/a pause",
                        world(withRows("a"), models(1, "m")),
                        start("a", "m").at(row("a"), settings(), model("m"), returned()),
                        setModel("m", "\"paused\": true").at(settings(), model("m"), returned())),
                Interleaving.of(
                        "complete/a lowered capacity",
                        world(running("c", "m"), waiting("a", "m")),
                        complete("c").at(settings(), model("m"), job("c"), job("a"), returned()),
                        setModel("m", "\"capacity\": 0").at(settings(), model("m"), job("a"), returned())),
                Interleaving.of(
                        "complete/the limit switched on",
                        world(running("c", "m"), running("d", "n"), waiting("a", "m")),
                        complete("c").at(settings(), model("m"), job("c"), job("a"), returned()),
                        setLimit("1").at(settings(), job("a"), state(), returned())),
                Interleaving.of(
                        "claim/the limit switched off",
                        world(ONE_AT_A_TIME, waiting("a", "m"), waiting("b", "n")),
                        claim("w", 5).at(settings(), state(), returned()).orPassing(NOTHING),
                        setLimit("null").at(settings(), job("b"), returned())));
    }

    @TestFactory
    @DisplayName("cancel/complete, claim, start, cancel")
    Stream<DynamicTest> cancels() {
        return forced(
                Interleaving.of(
                        "cancel/complete of the same run",
                        world(withRows("c"), running("c", "m"), waiting("a", "m")),
                        cancel("c").at(row("c"), model("m"), job("c"), returned()),
                        complete("c").at(row("c"), model("m"), job("c"), job("a"), returned())),
                Interleaving.of(
                        "cancel/retry of the same run",
                        world(running("c", "m"), waiting("a", "m")),
                        cancel("c").at(model("m"), job("c"), returned()),
                        end("retry", "q", "", "c").at(model("m"), job("c"), job("a"), returned())),
                Interleaving.of(
                        "cancel/complete of the one it waits for",
                        world(withRows("a"), running("c", "m"), waiting("a", "m"), waiting("b", "m")),
                        cancel("a").at(row("a"), model("m"), job("a"), job("b"), returned()),
                        complete("c").at(model("m"), job("c"), job("a"), returned())),
                Interleaving.of(
                        "cancel/claim",
                        world(withRows("a"), waiting("a", "m"), waiting("b", "m")),
                        cancel("a").at(row("a"), settings(), model("m"), job("a"), job("b"), returned()),
                        claim("w", 5).at(request("kw"), settings(), returned()).orPassing(NOTHING)),
                Interleaving.of(
                        "cancel/start",
                        world(withRows("a"), waiting("a", "m")),
                        cancel("a").at(row("a"), model("m"), job("a"), returned()),
                        start("a", "m").at(row("a"), model("m"), job("a"), returned())),
                Interleaving.of(
                        "cancel/cancel",
                        world(withRows("a"), waiting("a", "m"), waiting("b", "m")),
                        cancel("a").at(row("a"), model("m"), job("a"), returned()),
                        cancel("a").at(row("a"), model("m"), job("a"), returned())));
    }

    @TestFactory
    @DisplayName("heartbeat, complete, cancel/take-back")
    Stream<DynamicTest> takeBack() {
        return forced(
                Interleaving.of(
                        "heartbeat/take-back by a claim",
                        world(withRows("c"), running("c", "m"), dead("c")),
                        heartbeat("c").at(returned()).orPassing(held(false)),
                        claim("w", 5)
                                .at(settings(), model("m"), job("c"), returned())
                                .orPassing(NOTHING)),
                Interleaving.of(
                        "heartbeat/take-back by a start",
                        world(withRows("c"), running("c", "m"), spent("c")),
                        heartbeat("c").at(returned()).orPassing(held(false)),
                        start("a", "m").at(model("m"), job("c"), returned())),
                Interleaving.of(
                        "heartbeat/complete",
                        world(withRows("c"), running("c", "m")),
                        heartbeat("c").at(returned()).orPassing(held(true)),
                        complete("c").at(row("c"), model("m"), job("c"), returned())),
                Interleaving.of(
                        "complete after the lease/take-back",
                        world(withRows("c"), running("c", "m"), waiting("a", "m"), dead("c")),
                        complete("c").at(row("c"), model("m"), job("c"), returned()),
                        claim("w", 5).at(model("m"), job("c"), returned()).orPassing(NOTHING)),
                Interleaving.of(
                        "cancel/take-back",
                        world(withRows("c"), running("c", "m"), waiting("a", "m"), dead("c")),
                        cancel("c").at(row("c"), model("m"), job("c"), returned()),
                        claim("w", 5).at(model("m"), job("c"), returned()).orPassing(NOTHING)),
                Interleaving.of(
                        "take-back by a start/take-back by a claim",
                        world(running("c", "m"), dead("c")),
                        start("a", "m").at(settings(), model("m"), job("c"), returned()),
                        claim("w", 5)
                                .at(settings(), model("m"), job("c"), returned())
                                .orPassing(NOTHING)),
                Interleaving.of(
                        "release of a model/complete of another holder",
                        world(
                                models(2, "n"),
                                running("c", "m", "n"),
                                running("d", "n"),
                                waiting("a", "n"),
                                waiting("b", "m", "n")),
                        release("c", "n").at(model("n"), job("c"), job("a"), returned()),
                        complete("d").at(model("n"), job("d"), job("a"), job("b"), returned())));
    }

    @TestFactory
    @DisplayName("enqueue/claim, enqueue")
    Stream<DynamicTest> enqueues() {
        return forced(
                Interleaving.of(
                        "enqueue/claim on a free model",
                        world(withRows("a")),
                        enqueue("a", "m").at(row("a"), settings(), newModel("m"), returned()),
                        claim("w", 5).at(request("kw"), settings(), returned()).orPassing(NOTHING)),
                Interleaving.of(
                        "enqueue ahead/claim of the one that is passed",
                        world(withRows("b"), waiting("a", "m")),
                        enqueueAhead("b", "m").at(row("b"), model("m"), job("a"), returned()),
                        claim("w", 1).at(returned()).orPassing(NOTHING)),
                Interleaving.of(
                        "enqueue ahead of two/claim",
                        world(models(2, "m"), waiting("a", "m"), waiting("c", "m", "n")),
                        enqueueAhead("b", "m", "n").at(model("m"), model("n"), returned()),
                        claim("w", 5).at(returned()).orPassing(NOTHING)),
                Interleaving.of(
                        "enqueue/enqueue of the same jobs, in other orders and without a model",
                        world(),
                        enqueueUnrestricted("a", "d", "b").at(newJob("a"), newJob("d"), newJob("b"), returned()),
                        enqueueUnrestricted("b", "a").at(newJob("a"), newJob("b"), returned())),
                Interleaving.of(
                        "enqueue/an alias of its model",
                        world(withRows("a"), running("c", "m")),
                        enqueue("a", "x").at(row("a"), settings(), newModel("x"), returned()),
                        setAlias("x", "m").at(settings(), returned())),
                Interleaving.of(
                        "start/an alias of its model",
                        world(withRows("a")),
                        start("a", "x").at(row("a"), settings(), newModel("x"), returned()),
                        setAlias("x", "m").at(settings(), returned())),
                Interleaving.of(
                        "a pause of a name/an alias of it",
                        world(),
                        setModel("x", "\"paused\": true").at(settings(), returned()),
                        setAlias("x", "m").at(settings(), returned())),
                Interleaving.of(
                        "an insert that takes back/claim, one at a time",
                        world(ONE_AT_A_TIME, running("c", "m"), spent("c")),
                        user("user", world(insert("a", "n")), settings(), model(""), job("c"), state(), returned()),
                        claim("w", 5).at(settings(), state(), returned()).orPassing(NOTHING)),
                Interleaving.of(
                        "enqueue ahead/enqueue ahead over two lines",
                        world(models(1, "m", "n"), waiting("a", "m", "n")),
                        enqueueAhead("b", "m").at(model("m"), job("a"), returned()),
                        enqueueAhead("c", "n").at(model("n"), job("a"), returned())));
    }
}
