package dev.interlock;

import java.util.Locale;

/** How rows are counted. */
public enum Count {
    /** Exactly, at the cost of a full count. */
    EXACT,
    /** By the planner's statistics. */
    PLANNED,
    /** Exactly up to the server's row limit, by statistics beyond it. */
    ESTIMATED;

    String preference() {
        return "count=" + name().toLowerCase(Locale.ROOT);
    }
}
