package dev.interlock.it.worlds;

import java.util.Arrays;

/** What is committed, and the sessions. */
@SuppressWarnings("OperatorPrecedence") // bits
final class State {

    final int[] rows;
    /** Rows of {@code job_queue_lines}, 2 bits each: 0 none, 1 in line, 3 with a seat. */
    long lines;
    /** Capacities and whether paused, 4 bits for each line; that of line 0 is {@code max_active_jobs}, 0 for none. */
    int models;
    /** {@code job_queue_state.active_job_id}: 0 for none, else one more than the job. */
    int active;

    final Session[] sessions;

    State(World world) {
        rows = new int[world.jobs()];
        sessions = new Session[world.callers().size()];
        for (int i = 0; i < sessions.length; i++) {
            sessions[i] = new Session(world.jobs());
        }
        for (int line = 0; line < world.lines(); line++) {
            models |= world.capacity(line) << 4 * line;
        }
    }

    private State(State s) {
        rows = s.rows.clone();
        lines = s.lines;
        models = s.models;
        active = s.active;
        sessions = s.sessions.clone();
    }

    /** A copy in which this session may be changed. */
    State copyFor(int session) {
        State copy = new State(this);
        if (session >= 0) {
            copy.sessions[session] = sessions[session].copy();
        }
        return copy;
    }

    // What a statement of a session sees: what is committed when it starts, and its own writes.

    int row(Session s, int job) {
        return (s.ownJobs >> job & 1) != 0 ? s.own[job] : rows[job];
    }

    long lines(Session s) {
        return lines & ~s.ownLinesMask | s.ownLines;
    }

    int models(Session s) {
        return s.ownModels >= 0 ? s.ownModels : models;
    }

    static int place(long lines, int line, int job) {
        return (int) (lines >> 2 * (line * 8 + job) & 3);
    }

    static boolean inLine(long lines, int line, int job) {
        return (place(lines, line, job) & 1) != 0;
    }

    static boolean seated(long lines, int line, int job) {
        return (place(lines, line, job) & 2) != 0;
    }

    static long withPlace(long lines, int line, int job, int place) {
        int shift = 2 * (line * 8 + job);
        return lines & ~(3L << shift) | (long) place << shift;
    }

    static int capacity(int models, int line) {
        return models >> 4 * line & 7;
    }

    static boolean paused(int models, int line) {
        return (models >> 4 * line & 8) != 0;
    }

    void write(Session s, int job, int row) {
        s.ownJobs |= 1 << job;
        s.own[job] = row;
    }

    void writePlace(Session s, int line, int job, int place) {
        s.ownLinesMask |= 3L << 2 * (line * 8 + job);
        s.ownLines = withPlace(s.ownLines, line, job, place);
    }

    /** Publishes the writes of a session and ends its transaction. */
    void commit(Session s) {
        for (int j = 0; j < rows.length; j++) {
            rows[j] = row(s, j);
        }
        lines = lines(s);
        models = models(s);
        active = s.ownState >= 0 ? s.ownState : active;
    }

    /** Keys matter by their order only: renumbers them, so that runs that differ in lost numbers alone are one state. */
    void renumber() {
        int used = 0;
        for (int row : rows) {
            used |= row == 0 ? 0 : 1 << Row.key(row);
        }
        for (Session s : sessions) {
            for (int j = 0; j < s.own.length; j++) {
                used |= s.own[j] == 0 ? 0 : 1 << Row.key(s.own[j]);
            }
        }
        for (int j = 0; j < rows.length; j++) {
            rows[j] = renumbered(rows[j], used);
        }
        for (int i = 0; i < sessions.length; i++) {
            Session s = sessions[i];
            for (int j = 0; j < s.own.length; j++) {
                int now = renumbered(s.own[j], used);
                if (now != s.own[j]) {
                    if (s == sessions[i]) {
                        s = s.copy();
                        sessions[i] = s;
                    }
                    s.own[j] = now;
                }
            }
        }
    }

    private static int renumbered(int row, int used) {
        if (row == 0) {
            return 0;
        }
        int key = Row.key(row);
        int below = used & (1 << key) - 1;
        // Keys from 16 on are those of priority 0, which stand behind.
        int group = key & 16;
        return Row.withKey(row, group + Integer.bitCount(below & (group == 0 ? 0xffff : 0xffff0000)));
    }

    /** The words of this state with interchangeable sessions in one order, so that states that differ in their names alone are one. */
    int encode(long[] into, int[] interchangeable) {
        int n = 0;
        long low = 0;
        long high = 0;
        for (int j = 0; j < rows.length; j++) {
            if (j < 3) {
                low |= (long) rows[j] << Row.BITS * j;
            } else {
                high |= (long) rows[j] << Row.BITS * (j - 3);
            }
        }
        into[n++] = low;
        into[n++] = high << 24 | (long) models << 8 | active;
        into[n++] = lines;
        int first = n;
        for (Session s : sessions) {
            s.encode(into, n);
            n += Session.WORDS;
        }
        for (int a = 0; a < sessions.length; a++) {
            for (int b = a + 1; b < sessions.length; b++) {
                if (interchangeable[a] == interchangeable[b]) {
                    sort(into, first + a * Session.WORDS, first + b * Session.WORDS);
                }
            }
        }
        return n;
    }

    private static void sort(long[] words, int a, int b) {
        if (Arrays.compare(words, a, a + Session.WORDS, words, b, b + Session.WORDS) > 0) {
            for (int i = 0; i < Session.WORDS; i++) {
                long word = words[a + i];
                words[a + i] = words[b + i];
                words[b + i] = word;
            }
        }
    }

    String text(World world) {
        StringBuilder text = new StringBuilder();
        for (int j = 0; j < rows.length; j++) {
            text.append("    job ").append(j).append(": ").append(Row.text(rows[j]));
            for (int line = 0; line < world.lines(); line++) {
                if (inLine(lines, line, j)) {
                    text.append("; ").append(World.line(line)).append(seated(lines, line, j) ? " seat" : " in line");
                }
            }
            text.append('\n');
        }
        for (int line = 0; line < world.lines(); line++) {
            text.append("    ")
                    .append(World.line(line))
                    .append(": capacity ")
                    .append(capacity(models, line))
                    .append(paused(models, line) ? ", paused\n" : "\n");
        }
        return text.toString();
    }
}
