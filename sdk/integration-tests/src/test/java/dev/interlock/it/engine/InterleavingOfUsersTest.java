package dev.interlock.it.engine;

import static dev.interlock.it.engine.Interleaving.Point.after;
import static dev.interlock.it.engine.Interleaving.Point.execution;
import static dev.interlock.it.engine.Interleaving.Point.job;
import static dev.interlock.it.engine.Interleaving.Point.model;
import static dev.interlock.it.engine.Interleaving.Point.newModel;
import static dev.interlock.it.engine.Interleaving.Point.returned;
import static dev.interlock.it.engine.Interleaving.Point.row;
import static dev.interlock.it.engine.Interleaving.Point.settings;
import static dev.interlock.it.engine.Words.NOTHING;
import static dev.interlock.it.engine.Words.cancel;
import static dev.interlock.it.engine.Words.claim;
import static dev.interlock.it.engine.Words.complete;
import static dev.interlock.it.engine.Words.delete;
import static dev.interlock.it.engine.Words.edit;
import static dev.interlock.it.engine.Words.editExecution;
import static dev.interlock.it.engine.Words.enqueueAhead;
import static dev.interlock.it.engine.Words.enqueueWorkflow;
import static dev.interlock.it.engine.Words.insert;
import static dev.interlock.it.engine.Words.models;
import static dev.interlock.it.engine.Words.release;
import static dev.interlock.it.engine.Words.running;
import static dev.interlock.it.engine.Words.spent;
import static dev.interlock.it.engine.Words.start;
import static dev.interlock.it.engine.Words.user;
import static dev.interlock.it.engine.Words.waiting;
import static dev.interlock.it.engine.Words.withExecution;
import static dev.interlock.it.engine.Words.withRows;
import static dev.interlock.it.engine.Words.world;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Forced interleavings of calls with what users do to {@code jobs} in transactions of their own (rows edited, inserted, deleted, and all of it before
 * a commit), and of three calls.
 */
class InterleavingOfUsersTest extends ForcedTest {

    @TestFactory
    @DisplayName("A user's transaction/complete, cancel, claim, start")
    Stream<DynamicTest> users() {
        return forced(
                Interleaving.of(
                        "an edit and an insert/complete of the edited one",
                        world(withRows("c"), running("c", "m")),
                        user("user", List.of(edit("c"), insert("d", "m")), after(1), after(2), settings(), model("m")),
                        complete("c").at(row("c"), model("m"), job("c"), returned())),
                Interleaving.of(
                        "an edit and an insert/cancel of the edited one",
                        world(withRows("a"), running("c", "m"), waiting("a", "m")),
                        user("user", List.of(edit("a"), insert("d", "m")), after(1), after(2), settings(), model("m")),
                        cancel("a").at(row("a"), model("m"), job("a"), returned())),
                Interleaving.of(
                        "an edit/claim of the edited one",
                        world(withRows("a"), waiting("a", "m")),
                        user("user", List.of(edit("a")), after(1)),
                        claim("w", 5).at(settings(), returned()).orPassing(NOTHING)),
                Interleaving.of(
                        "an edit and an insert/take-back of the edited one",
                        world(withRows("c"), running("c", "m"), spent("c")),
                        user(
                                "user",
                                List.of(edit("c"), insert("d", "m")),
                                after(1),
                                after(2),
                                settings(),
                                model("m"),
                                job("c")),
                        claim("w", 5).at(model("m"), job("c")).orPassing(NOTHING)),
                Interleaving.of(
                        "a deletion and an insert/complete",
                        world(withRows("c"), running("c", "m"), waiting("a", "m")),
                        user(
                                "user",
                                List.of(delete("c"), insert("d", "m")),
                                after(1),
                                after(2),
                                settings(),
                                model("m")),
                        complete("c").at(row("c"), model("m"), job("a"), returned())),
                Interleaving.of(
                        "three rows inserted/start",
                        world(withRows("a"), models(1, "m", "n")),
                        user(
                                "user",
                                List.of(insert("b", "m"), insert("c", "n"), insert("d", "m", "n")),
                                after(1),
                                after(3),
                                settings(),
                                model("m"),
                                model("n")),
                        start("a", "n", "m").at(row("a"), model("m"), model("n"), returned())),
                Interleaving.of(
                        "two users insert rows in opposite order of their models",
                        world(models(1, "m")),
                        user(
                                "user 1",
                                List.of(insert("a", "m"), insert("b", "n")),
                                after(1),
                                after(2),
                                settings(),
                                model("m"),
                                newModel("n")),
                        user(
                                "user 2",
                                List.of(insert("c", "n"), insert("d", "m")),
                                after(1),
                                after(2),
                                settings(),
                                model("m"),
                                newModel("n"))),
                Interleaving.of(
                        "an edit of an execution and an insert/enqueue of its workflow",
                        world(withRows("a"), withExecution("a"), models(1, "m")),
                        user(
                                "user",
                                List.of(editExecution("a"), insert("d", "m")),
                                after(1),
                                after(2),
                                settings(),
                                model("m")),
                        enqueueWorkflow("a", "m").at(row("a"), execution("a"), model("m"), returned())),
                Interleaving.of(
                        "the row of a job that is known inserted/complete",
                        world(running("c", "m")),
                        user("user", List.of(insert("c", "m")), after(1), settings()),
                        complete("c").at(settings(), model("m"), job("c"), returned())));
    }

    @TestFactory
    @DisplayName("Three calls")
    Stream<DynamicTest> three() {
        return forced(
                Interleaving.of(
                        "start/start/complete",
                        world(running("c", "m")),
                        start("a", "m").at(model("m"), returned()),
                        start("b", "m").at(model("m"), returned()),
                        complete("c").at(model("m"), returned())),
                Interleaving.of(
                        "claim/claim/complete",
                        world(running("c", "m"), waiting("a", "m"), waiting("b", "n")),
                        claim("w1", 1).at(returned()).orPassing(NOTHING),
                        claim("w2", 2).at(returned()).orPassing(NOTHING),
                        complete("c").at(model("m"), job("a"), returned())),
                Interleaving.of(
                        "enqueue ahead/claim/complete",
                        world(running("c", "m"), waiting("a", "m")),
                        enqueueAhead("b", "m").at(model("m"), returned()),
                        claim("w", 2).at(returned()).orPassing(NOTHING),
                        complete("c").at(model("m"), job("a"), returned())),
                Interleaving.of(
                        "complete/complete/start of the job that waits for both",
                        world(running("c", "m"), running("d", "n"), waiting("a", "m", "n")),
                        complete("c").at(job("a"), returned()),
                        complete("d").at(job("a"), returned()),
                        start("a", "m", "n").at(job("a"), returned())),
                Interleaving.of(
                        "complete/cancel/claim",
                        world(running("c", "m"), waiting("a", "m"), waiting("b", "m")),
                        complete("c").at(model("m"), job("a"), returned()),
                        cancel("a").at(model("m"), returned()),
                        claim("w", 2).at(returned()).orPassing(NOTHING)),
                Interleaving.of(
                        "an edit and an insert/complete/start",
                        world(withRows("c"), running("c", "m")),
                        user("user", List.of(edit("c"), insert("d", "m")), after(1), after(2)),
                        complete("c").at(model("m"), job("c")),
                        start("a", "m").at(model("m"), returned())),
                Interleaving.of(
                        "release/complete/enqueue ahead",
                        world(models(2, "n"), running("c", "m", "n"), running("d", "n"), waiting("a", "n")),
                        release("c", "n").at(job("c"), job("a"), returned()),
                        complete("d").at(job("a"), returned()),
                        enqueueAhead("b", "n").at(model("n"), returned())));
    }
}
