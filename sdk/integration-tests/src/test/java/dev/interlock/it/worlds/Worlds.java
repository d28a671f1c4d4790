package dev.interlock.it.worlds;

import dev.interlock.it.worlds.World.Action;
import java.util.ArrayList;
import java.util.List;

/** What is explored; the numbers it takes are in docs/design/small-worlds.md. */
final class Worlds {

    private Worlds() {}

    /** Those of every build; with {@code -Dinterlock.worlds=large} the others too. */
    static List<World> chosen() {
        return "large".equals(System.getProperty("interlock.worlds")) ? all() : small();
    }

    static List<World> all() {
        List<World> worlds = new ArrayList<>(small());
        worlds.addAll(large());
        return worlds;
    }

    static List<World> small() {
        return List.of(
                twoModels().build(),
                ring().build(),
                World.named("a later job of higher priority")
                        .models(1, 1)
                        .job("AB")
                        .job("A")
                        .job("B", 1)
                        .enqueuer(new int[] {0, 1})
                        .enqueuer(new int[] {2})
                        .worker(1, true, false)
                        .worker(1, true, false)
                        .build(),
                World.named("starts and claims mixed")
                        .models(1, 1)
                        .job("A")
                        .job("AB")
                        .job("B")
                        .starter(0)
                        .starter(1)
                        .enqueuer(new int[] {2})
                        .worker(1, true, false)
                        .build(),
                World.named("a job known already is started, leases end")
                        .models(1, 1)
                        .job("A")
                        .job("AB")
                        .enqueuer(new int[] {0, 1})
                        .starter(1)
                        .worker(1, true, false)
                        .worker(1, false, false)
                        .attempts(2)
                        .leasesEnd()
                        .build(),
                World.named("every transaction may die, leases end at any moment")
                        .models(1, 1)
                        .job("A")
                        .job("AB")
                        .enqueuer(new int[] {0, 1})
                        .worker(1, true, false)
                        .worker(1, false, false)
                        .attempts(2)
                        .leasesEnd()
                        .crashes()
                        .lostAnswers()
                        .build(),
                World.named("retries at once and later")
                        .models(1, 1)
                        .job("AB")
                        .job("A")
                        .enqueuer(new int[] {0, 1})
                        .worker(1, false, true)
                        .worker(1, true, false)
                        .attempts(2)
                        .build(),
                World.named("cancel of a waiting or a running job")
                        .models(1, 1)
                        .job("A")
                        .job("AB")
                        .job("B")
                        .enqueuer(new int[] {0}, new int[] {1, 2})
                        .operator(Action.of(Action.CANCEL, 1, 0))
                        .worker(1, true, false)
                        .worker(1, false, false)
                        .attempts(2)
                        .build(),
                World.named("capacity 1, 2, 1 while jobs wait and run")
                        .models(1, 1)
                        .job("A")
                        .job("AB")
                        .job("A")
                        .enqueuer(new int[] {0, 1, 2})
                        .operator(Action.of(Action.CAPACITY, 1, 2), Action.of(Action.CAPACITY, 1, 1))
                        .worker(1, true, false)
                        .worker(1, false, false)
                        .build(),
                World.named("a model is paused and resumed")
                        .models(1, 1)
                        .job("A")
                        .job("AB")
                        .job("B")
                        .enqueuer(new int[] {0, 1}, new int[] {2})
                        .operator(Action.of(Action.PAUSE, 1, 0), Action.of(Action.RESUME, 1, 0))
                        .worker(1, true, false)
                        .worker(1, false, false)
                        .build(),
                World.named("one job at a time")
                        .models(1, 1)
                        .limit(1)
                        .job("A")
                        .job("B")
                        .job("AB")
                        .enqueuer(new int[] {0, 1})
                        .starter(2)
                        .worker(1, true, false)
                        .worker(1, false, false)
                        .attempts(2)
                        .leasesEnd()
                        .build(),
                World.named("the global limit is switched on and off")
                        .models(1, 1)
                        .job("A")
                        .job("B")
                        .job("AB")
                        .enqueuer(new int[] {0, 1}, new int[] {2})
                        .operator(Action.of(Action.LIMIT, 0, 1), Action.of(Action.LIMIT, 0, 0))
                        .worker(1, true, false)
                        .worker(1, false, false)
                        .build(),
                World.named("4 jobs, A has two seats, B one")
                        .models(2, 1)
                        .job("A")
                        .job("AB")
                        .job("A")
                        .job("B")
                        .enqueuer(new int[] {0, 1}, new int[] {2})
                        .enqueuer(new int[] {3})
                        .worker(1, true, false)
                        .worker(1, false, false)
                        .build(),
                World.named("3 workers, B has two seats")
                        .models(1, 2)
                        .job("A")
                        .job("AB")
                        .job("B")
                        .job("AB")
                        .enqueuer(new int[] {0, 1}, new int[] {2, 3})
                        .worker(1, true, false)
                        .worker(1, true, false)
                        .worker(1, true, false)
                        .build(),
                World.named("5 jobs, 3 models")
                        .models(1, 2, 1)
                        .job("AB")
                        .job("BC")
                        .job("AC")
                        .job("B")
                        .job("A")
                        .enqueuer(new int[] {0, 3}, new int[] {4})
                        .enqueuer(new int[] {1, 2})
                        .worker(1, true, false)
                        .worker(2, false, false)
                        .build(),
                World.named("a ring whose transactions die and leases end")
                        .models(1, 1, 1)
                        .job("AB")
                        .job("BC")
                        .job("AC")
                        .enqueuer(new int[] {0}, new int[] {1, 2})
                        .worker(1, true, false)
                        .worker(1, false, false)
                        .attempts(2)
                        .leasesEnd()
                        .crashes()
                        .build(),
                World.named("two urgent jobs displace the same two")
                        .models(2, 2)
                        .job("AB")
                        .job("AB")
                        .job("A", 1)
                        .job("B", 1)
                        .enqueuer(new int[] {0, 1}, new int[] {2})
                        .enqueuer(new int[] {3})
                        .worker(2, true, false)
                        .worker(1, false, false)
                        .build(),
                World.named("passing: two later jobs, and one may pass")
                        .models(1, 1)
                        .overtakes(1)
                        .job("B")
                        .job("AB")
                        .job("A")
                        .job("A")
                        .enqueuer(new int[] {0, 1}, new int[] {2, 3})
                        .worker(1, true, false)
                        .worker(1, false, false)
                        .build(),
                World.named("passing two of them, who wait for each other's model too")
                        .models(1, 1, 1)
                        .overtakes(2)
                        .job("C")
                        .job("AC")
                        .job("AB")
                        .job("AB")
                        .enqueuer(new int[] {0, 1})
                        .enqueuer(new int[] {2, 3})
                        .worker(1, true, false)
                        .worker(1, false, false)
                        .build(),
                World.named("passing by a start, among retries")
                        .models(1, 1)
                        .overtakes(1)
                        .job("B")
                        .job("AB")
                        .job("A")
                        .enqueuer(new int[] {0, 1})
                        .starter(2)
                        .worker(1, false, true)
                        .attempts(2)
                        .build(),
                World.named("passing while transactions die and leases end")
                        .models(1, 1)
                        .overtakes(1)
                        .job("B")
                        .job("AB")
                        .job("A")
                        .enqueuer(new int[] {0, 1, 2})
                        .worker(1, true, false)
                        .worker(1, false, false)
                        .attempts(2)
                        .leasesEnd()
                        .crashes()
                        .build());
    }

    static World.Builder twoModels() {
        return World.named("3 jobs, 2 models, 2 callers, 2 workers")
                .models(1, 1)
                .job("A")
                .job("AB")
                .job("B")
                .enqueuer(new int[] {0, 1})
                .enqueuer(new int[] {2})
                .worker(1, true, false)
                .worker(1, false, false);
    }

    static World.Builder ring() {
        return World.named("a ring: A-B, B-C, C-A")
                .models(1, 1, 1)
                .job("AB")
                .job("BC")
                .job("AC")
                .enqueuer(new int[] {0})
                .enqueuer(new int[] {1, 2})
                .worker(1, true, false)
                .worker(1, true, false);
    }

    static List<World> large() {
        return List.of(
                World.named("large: passing by a start, among retries, leases end")
                        .models(1, 1)
                        .overtakes(1)
                        .job("B")
                        .job("AB")
                        .job("A")
                        .enqueuer(new int[] {0, 1})
                        .starter(2)
                        .worker(1, true, false)
                        .worker(1, false, true)
                        .attempts(2)
                        .leasesEnd()
                        .build(),
                World.named("large: a job known already is started, a batch ends, leases end")
                        .models(1, 2)
                        .job("A")
                        .job("B")
                        .job("B")
                        .job("B")
                        .job("AB")
                        .enqueuer(new int[] {0, 1, 2, 3, 4})
                        .starter(3)
                        .worker(2, false, false)
                        .worker(1, false, false)
                        .leasesEnd()
                        .build(),
                World.named("large: an operator, leases end, transactions die")
                        .models(1, 1)
                        .job("A")
                        .job("AB")
                        .job("B")
                        .enqueuer(new int[] {0, 1}, new int[] {2})
                        .operator(
                                Action.of(Action.CAPACITY, 1, 2),
                                Action.of(Action.PAUSE, 2, 0),
                                Action.of(Action.RESUME, 2, 0))
                        .worker(1, true, false)
                        .worker(1, false, true)
                        .attempts(2)
                        .leasesEnd()
                        .crashes()
                        .build());
    }
}
