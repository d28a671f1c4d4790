package dev.interlock.it.longrun;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;

/** One line that is written over on a terminal; elsewhere one line every ten seconds. */
final class Progress {

    private static final boolean TERMINAL = Boolean.getBoolean("interlock.terminal");
    private static final long EVERY = TERMINAL ? 500_000_000L : 10_000_000_000L;

    private final PrintStream out;
    private final Witness witness;
    private final long target;
    private final long started = System.nanoTime();
    private long lastShown = started;
    private long lastGrants;

    Progress(PrintStream out, Witness witness, long target) {
        this.out = out;
        this.witness = witness;
        this.target = target;
    }

    void show() {
        long now = System.nanoTime();
        if (now - lastShown < EVERY) {
            return;
        }
        long grants = witness.grants();
        double rate = (grants - lastGrants) * 1e9 / (now - lastShown);
        double average = grants * 1e9 / (now - started);
        lastShown = now;
        lastGrants = grants;
        Duration left = Duration.ofSeconds(average == 0 ? 0 : (long) (Math.max(0, target - grants) / average));
        line(String.format(
                Locale.ROOT,
                "%,11d grants  %5.1f %%  %,6.0f/s  overlaps %d  passed %d  other %d  waiting %,6d  %d:%02d left",
                grants,
                Math.min(100, 100.0 * grants / target),
                rate,
                witness.overlaps(),
                witness.passed(),
                witness.others(),
                witness.waiting(),
                left.toMinutes(),
                left.toSecondsPart()));
    }

    /** What goes on instead, for a terminal. */
    void say(String what) {
        if (TERMINAL) {
            line(what + "…");
        }
    }

    private void line(String text) {
        if (TERMINAL) {
            out.print("\r\033[K" + text);
            out.flush();
        } else {
            out.println(text);
        }
    }

    void end() {
        if (TERMINAL) {
            out.println();
        }
    }
}
