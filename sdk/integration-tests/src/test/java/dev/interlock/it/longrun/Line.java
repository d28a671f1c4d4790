package dev.interlock.it.longrun;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/** What the witness knows of a model: who surely waits for it, who surely holds it, and how many may. */
final class Line {

    /** Longer than a call can take. */
    private static final long REMEMBERED_NANOS = 600_000_000_000L;

    /** What a capacity may be between a call that sets it and the answer of the next one that does. */
    private record Span(int capacity, long from, long until) {}

    final TreeSet<Job> waiting = new TreeSet<>(Comparator.<Job>comparingLong(j -> j.high)
            .thenComparingLong(j -> j.batch)
            .thenComparingInt(j -> j.index));
    final List<Job> held = new ArrayList<>();
    private List<Span> spans = new ArrayList<>();
    boolean steady = true;
    long steadySince = Long.MIN_VALUE;

    void changing(int capacity, long sent, boolean movesJobs) {
        steady &= !movesJobs;
        spans.add(new Span(capacity, sent, Long.MAX_VALUE));
    }

    void changed(long answered) {
        Span current = spans.get(spans.size() - 1);
        List<Span> kept = new ArrayList<>();
        for (Span span : spans.subList(0, spans.size() - 1)) {
            Span ended = new Span(span.capacity, span.from, Math.min(span.until, answered));
            if (ended.until > answered - REMEMBERED_NANOS) {
                kept.add(ended);
            }
        }
        kept.add(current);
        spans = kept;
        // While it is paused, those that need it stand in no line.
        steady = current.capacity > 0;
        steadySince = answered;
    }

    /** The largest that it can have been at some moment between these two. */
    int largestCapacity(long from, long until) {
        int largest = 0;
        for (Span span : spans) {
            if (span.from <= until && span.until >= from) {
                largest = Math.max(largest, span.capacity);
            }
        }
        return largest;
    }
}
