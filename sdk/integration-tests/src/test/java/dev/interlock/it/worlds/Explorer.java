package dev.interlock.it.worlds;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** Goes through every state that any interleaving of a world's sessions can reach, breadth first, and judges each. */
@SuppressWarnings("OperatorPrecedence") // bits
final class Explorer {

    /**
     * What was found.
     *
     * @param depth the longest of the shortest ways to a state
     * @param violation what was broken and the steps that led there, or null
     */
    record Report(
            World world,
            int states,
            long transitions,
            int depth,
            int ends,
            long millis,
            @Nullable String violation) {
        @Override
        public String toString() {
            return String.format(
                    java.util.Locale.ROOT,
                    "%-58s %,10d states %,11d transitions, depth %3d, %,6d ends, %,6d ms",
                    world.name(),
                    states,
                    transitions,
                    depth,
                    ends,
                    millis);
        }
    }

    private final World world;
    private final Protocol protocol;
    private final Rules rules;
    private final int[] interchangeable;
    private final long[] words;

    private final Seen seen = new Seen();
    private final Seen.Ints parents = new Seen.Ints();
    /** Transitions between different states, as pairs; for what can still be reached. */
    private final Seen.Ints edges = new Seen.Ints();

    private final List<Integer> ends = new ArrayList<>();
    private long transitions;
    private @Nullable String violation;

    Explorer(World world, Break broken) {
        this.world = world;
        this.protocol = new Protocol(world, broken);
        this.rules = new Rules(world);
        interchangeable = new int[world.callers().size()];
        for (int i = 0; i < interchangeable.length; i++) {
            boolean alike = world.callers().get(i).kind() == World.Kind.WORKER
                    && broken != Break.MODELS_OUT_OF_ORDER
                    && broken != Break.JOBS_OUT_OF_ORDER;
            interchangeable[i] = alike ? world.callers().indexOf(world.callers().get(i)) : i;
        }
        words = new long[3 + Session.WORDS * interchangeable.length];
    }

    Report explore() {
        long started = System.nanoTime();
        Queue<State> frontier = new ArrayDeque<>();
        State first = new State(world);
        seen.number(words, first.encode(words, interchangeable));
        parents.add(-1);
        frontier.add(first);
        int[] current = {0};
        int depth = 0;
        int levelEnd = 1;
        while (!frontier.isEmpty() && violation == null) {
            if (current[0] == levelEnd) {
                depth++;
                levelEnd = seen.size();
            }
            State s = frontier.remove();
            visit(s, current[0], (next, session, what) -> {
                transitions++;
                int number = seen.number(words, next.encode(words, interchangeable));
                int to = number < 0 ? -number - 1 : number;
                if (number < 0) {
                    parents.add(current[0]);
                    frontier.add(next);
                }
                if (to != current[0]) {
                    edges.add(current[0]);
                    edges.add(to);
                }
                judge(s, session, next, current[0], what);
            });
            current[0]++;
        }
        if (violation == null) {
            everythingEnds();
        }
        return new Report(
                world,
                seen.size(),
                transitions,
                depth,
                ends.size(),
                (System.nanoTime() - started) / 1_000_000,
                violation);
    }

    private void visit(State s, int number, Protocol.Steps steps) {
        int[] waits = new int[s.sessions.length];
        boolean quiet = true;
        for (int i = 0; i < s.sessions.length; i++) {
            waits[i] = protocol.expand(s, i, steps);
            quiet &= s.sessions[i].at == Session.IDLE;
        }
        protocol.timePasses(s, steps);
        for (int i = 0; i < waits.length && violation == null; i++) {
            if (inCycle(waits, i)) {
                found("deadlock (I8): session " + i + " waits for itself in the end", number, null);
            }
        }
        if (quiet) {
            if (rules.allOver(s)) {
                ends.add(number);
            } else if (rules.anyMayStart(s) && violation == null && !claimTakes(s)) {
                found("lost wake-up (I5): a job may start and a claim finds none", number, null);
            }
        }
    }

    private static boolean inCycle(int[] waits, int i) {
        int reached = waits[i];
        for (int round = 0; round < waits.length; round++) {
            for (int o = 0; o < waits.length; o++) {
                reached |= (reached >> o & 1) != 0 ? waits[o] : 0;
            }
        }
        return (reached >> i & 1) != 0;
    }

    /** With no other traffic: whether the next claim of an idle worker starts something, unless what fell due is ahead of all. */
    private boolean claimTakes(State s) {
        for (int i = 0; i < s.sessions.length; i++) {
            if (world.callers().get(i).kind() == World.Kind.WORKER && s.sessions[i].held == 0) {
                State[] at = {s};
                int session = i;
                do {
                    State[] next = {null};
                    protocol.expand(at[0], session, (to, who, what) -> next[0] = next[0] == null ? to : next[0]);
                    at[0] = next[0];
                } while (at[0].sessions[session].at != Session.IDLE);
                return at[0].sessions[session].held != 0 || !rules.anyMayStart(at[0]);
            }
        }
        return true;
    }

    private void judge(State before, int session, State after, int number, String what) {
        if (violation == null && session >= 0 && what.startsWith("commits")) {
            String broken = rules.brokenBy(before, session, after);
            if (broken != null) {
                found(broken, number, after);
            }
        }
    }

    /** From every state a state can be reached in which every job is over: nothing is stuck, whatever happened before. */
    private void everythingEnds() {
        int states = seen.size();
        int[] offsets = new int[states + 2];
        for (int e = 0; e < edges.size(); e += 2) {
            offsets[edges.at(e + 1) + 2]++;
        }
        for (int i = 2; i < offsets.length; i++) {
            offsets[i] += offsets[i - 1];
        }
        int[] from = new int[edges.size() / 2];
        for (int e = 0; e < edges.size(); e += 2) {
            from[offsets[edges.at(e + 1) + 1]++] = edges.at(e);
        }
        boolean[] canEnd = new boolean[states];
        int[] stack = new int[states];
        int top = 0;
        for (int end : ends) {
            canEnd[end] = true;
            stack[top++] = end;
        }
        while (top > 0) {
            int state = stack[--top];
            for (int e = offsets[state]; e < offsets[state + 1]; e++) {
                if (!canEnd[from[e]]) {
                    canEnd[from[e]] = true;
                    stack[top++] = from[e];
                }
            }
        }
        for (int i = 0; i < states; i++) {
            if (!canEnd[i]) {
                found("starvation (I4): from here some job can never end", i, null);
                return;
            }
        }
    }

    private void found(String what, int number, @Nullable State last) {
        List<Integer> way = new ArrayList<>();
        for (int n = number; n >= 0; n = parents.at(n)) {
            way.add(n);
        }
        Collections.reverse(way);
        StringBuilder text = new StringBuilder(what)
                .append("\n  in the world \"")
                .append(world.name())
                .append("\":\n");
        State[] at = {new State(world)};
        for (int step = 1; step < way.size(); step++) {
            int target = way.get(step);
            State s = at[0];
            boolean[] done = {false};
            Protocol.Steps follow = (next, session, label) -> {
                if (!done[0] && seen.number(words, next.encode(words, interchangeable)) == target) {
                    done[0] = true;
                    at[0] = next;
                    text.append("  ").append(who(session)).append(label).append('\n');
                }
            };
            for (int i = 0; i < s.sessions.length; i++) {
                protocol.expand(s, i, follow);
            }
            protocol.timePasses(s, follow);
        }
        text.append("  which leads to\n").append((last == null ? at[0] : last).text(world));
        violation = text.toString();
    }

    private String who(int session) {
        return session < 0
                ? ""
                : world.callers().get(session).kind().name().toLowerCase(java.util.Locale.ROOT) + " " + session + " ";
    }
}
