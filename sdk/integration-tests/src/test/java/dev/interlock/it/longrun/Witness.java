package dev.interlock.it.longrun;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an onlooker knows who sees only calls and answers, none of the coordinator's tables. It claims nothing that it cannot know: a job is held
 * from the answer that grants it to the call that ends it, it waits from the answer of the call that put it in line to the call that may end
 * that. So every violation that it counts is a real one, whatever the network did in between.
 *
 * <p>Times are {@link System#nanoTime}. Thread-safe: one lock.
 */
final class Witness {

    /** The line of the global limit. */
    static final String LIMIT = "";

    private static final int MESSAGES = 20;

    private final Map<String, Job> jobs = new HashMap<>();
    private final Map<String, Line> lines = new HashMap<>();
    private final List<String> violations = new ArrayList<>();
    private boolean limited;
    private long unfinished;
    private long waiting;
    private long grants;
    private long overlaps;
    private long passed;
    private long others;
    private final Map<String, Long> verdicts = new HashMap<>();

    synchronized void model(String name, int capacity, long now) {
        line(name).changing(capacity, now, false);
    }

    /** A call is about to let so many hold a model (0: none, as when it is paused): from now on it may be that number or the old one. */
    synchronized void changing(String name, int capacity, long sent, boolean movesJobs) {
        line(name).changing(capacity, sent, movesJobs);
    }

    /** … and was answered: since then it is the new one. */
    synchronized void changed(String name, long answered) {
        line(name).changed(answered);
    }

    /** The global limit is there (and may be judged) or not. */
    synchronized void limited(boolean now) {
        limited = now;
    }

    synchronized void entering(Collection<Job> entering) {
        for (Job job : entering) {
            jobs.put(job.id, job);
            unfinished++;
        }
    }

    synchronized void entered(Collection<Job> entered, long answered) {
        for (Job job : entered) {
            if (job.state == Job.State.ENTERING) {
                job.high = answered - job.priority * Job.PRIORITY_STEP_NANOS;
                waits(job, answered);
            }
        }
    }

    /** A lease was answered to a call first sent at {@code sent}; false: it ended on the way, and must not be run. */
    synchronized boolean begun(String id, long token, long leaseNanos, long sent, long answered) {
        Job job = jobs.get(id);
        if (answered - sent >= leaseNanos) {
            late(job, token);
            return false;
        }
        if (job == null || job.state == Job.State.FINISHED) {
            other("a job that is over or unknown was granted: " + id);
            return false;
        }
        if (token <= job.token) {
            other("a lease with an old token was granted: " + job + " after token " + job.token);
            return false;
        }
        if (job.state == Job.State.HELD) {
            other("a job was granted while it ran: " + job);
        }
        leavesLines(job);
        grants++;
        job.token = token;
        job.state = Job.State.HELD;
        job.since = answered;
        job.heldUntil = Long.MAX_VALUE;
        for (String name : job.models) {
            judge(line(name), name, job, sent, answered);
        }
        if (limited) {
            judge(line(LIMIT), LIMIT, job, sent, answered);
        }
        line(LIMIT).held.add(job);
        job.models.forEach(name -> line(name).held.add(job));
        return true;
    }

    /** A lease that may have run out before its holder heard of it: somebody else may have the job, or the log alone knows its end. */
    private void late(@Nullable Job job, long token) {
        grants++;
        if (job != null && token > job.token && job.state != Job.State.FINISHED) {
            leavesLines(job);
            job.token = token;
            job.state = Job.State.DEAD;
        }
    }

    private void judge(Line line, String name, Job job, long sent, long answered) {
        int capacity = line.largestCapacity(sent, answered);
        int holders = 0;
        int holdersThroughout = 0;
        for (Job other : line.held) {
            if (other.heldUntil > answered) {
                holders++;
                holdersThroughout += other.since <= sent ? 1 : 0;
            }
        }
        if (holders >= capacity) {
            overlaps++;
            say("OVERLAP on " + name + ": " + job + " beside " + line.held + ", capacity " + capacity);
        }
        int ahead = 0;
        for (Job other : line.waiting) {
            if (other.high > job.high && !(other.batch == job.batch)) {
                break;
            }
            if (other.surelyBefore(job) && other.since <= sent && stoodStill(other, sent)) {
                ahead++;
                if (holdersThroughout + ahead >= capacity) {
                    passed++;
                    say("ORDER on " + name + ": " + job + " passed " + other + ", capacity " + capacity);
                    break;
                }
            }
        }
    }

    /** Whether none of its models was paused or resumed since: it was in its lines all the time. */
    private boolean stoodStill(Job job, long sent) {
        for (String name : job.models) {
            Line line = line(name);
            if (!line.steady || line.steadySince > sent) {
                return false;
            }
        }
        return !limited || (line(LIMIT).steady && line(LIMIT).steadySince <= sent);
    }

    /** Its holder is about to end the run. */
    synchronized void ending(String id) {
        Job job = job(id);
        leavesLines(job);
        job.state = Job.State.ENDING;
    }

    /** Its holder dies: its models are surely its own until its lease ends, and nobody's for sure after that. */
    synchronized void died(String id, long leaseEnds) {
        Job job = job(id);
        job.state = Job.State.DEAD;
        job.heldUntil = leaseEnds;
    }

    /** The verdict on the outcome that its holder sent. */
    synchronized void ended(String id, long token, String verdict, boolean delayed, long answered) {
        Job job = job(id);
        verdicts.merge(verdict, 1L, Long::sum);
        switch (verdict) {
            case "completed", "failed", "cancelled" -> {
                if (job.token != token || job.state == Job.State.FINISHED) {
                    other("an outcome of an old run was taken, or one twice: " + job + ", sent with " + token);
                }
                finished(job);
            }
            case "retry_scheduled", "released" -> {
                // Unless somebody has it again already.
                if (job.token == token && job.state == Job.State.ENDING) {
                    if (delayed) {
                        job.state = Job.State.ASIDE;
                    } else {
                        waits(job, answered);
                    }
                }
            }
            default -> other("the outcome of a live lease was refused as " + verdict + ": " + job);
        }
    }

    /** A waiting job is about to be cancelled: it is in line no more for sure. */
    synchronized void cancelling(String id) {
        Job job = job(id);
        if (job.state == Job.State.WAITING) {
            leavesLines(job);
            job.state = Job.State.ASIDE;
        }
    }

    synchronized void cancelled(String id) {
        verdicts.merge("cancelled", 1L, Long::sum);
        finished(job(id));
    }

    /** Its worker died, and the log says that it has no attempt left. */
    synchronized void endedAlone(String id) {
        verdicts.merge("failed with their worker", 1L, Long::sum);
        finished(job(id));
    }

    /** The outcome of a dead run, sent late: it must have changed nothing. */
    synchronized void fenced(String id, String verdict) {
        verdicts.merge("late outcomes refused", 1L, Long::sum);
        if (!verdict.equals("stale") && !verdict.equals("not_running")) {
            other("a late outcome of " + job(id) + " was answered " + verdict);
        }
    }

    synchronized void violation(String message) {
        other(message);
    }

    private void waits(Job job, long since) {
        job.state = Job.State.WAITING;
        job.since = since;
        waiting++;
        job.models.forEach(name -> line(name).waiting.add(job));
        line(LIMIT).waiting.add(job);
    }

    private void leavesLines(Job job) {
        if (job.state == Job.State.WAITING) {
            waiting--;
            job.models.forEach(name -> line(name).waiting.remove(job));
            line(LIMIT).waiting.remove(job);
        } else if (job.state == Job.State.HELD || job.state == Job.State.DEAD) {
            job.models.forEach(name -> line(name).held.remove(job));
            line(LIMIT).held.remove(job);
        }
    }

    private void finished(Job job) {
        leavesLines(job);
        if (job.state != Job.State.FINISHED) {
            unfinished--;
        }
        job.state = Job.State.FINISHED;
    }

    /** Forgets the jobs that are over, once a check has compared them. */
    synchronized void forgetFinished() {
        jobs.values().removeIf(job -> job.state == Job.State.FINISHED);
    }

    private Line line(String name) {
        return lines.computeIfAbsent(name, n -> new Line());
    }

    synchronized Job job(String id) {
        Job job = jobs.get(id);
        if (job == null) {
            throw new IllegalStateException("unknown to the witness: " + id);
        }
        return job;
    }

    synchronized boolean granted(String id, long afterToken) {
        Job job = jobs.get(id);
        return job != null && job.token > afterToken;
    }

    /** One of the jobs that wait, or none. */
    synchronized List<Job> anyWaiting(String model) {
        return List.copyOf(line(model).waiting);
    }

    synchronized Collection<Job> live() {
        List<Job> live = new ArrayList<>();
        for (Job job : jobs.values()) {
            if (job.state != Job.State.FINISHED) {
                live.add(job);
            }
        }
        return live;
    }

    /** The largest capacity that a model can have had since. */
    synchronized int largestCapacity(String name, long since) {
        return line(name).largestCapacity(since, Long.MAX_VALUE);
    }

    private void other(String message) {
        others++;
        say(message);
    }

    private void say(String message) {
        if (violations.size() < MESSAGES) {
            violations.add(message);
        }
    }

    synchronized long grants() {
        return grants;
    }

    synchronized long waiting() {
        return waiting;
    }

    synchronized long unfinished() {
        return unfinished;
    }

    synchronized long overlaps() {
        return overlaps;
    }

    synchronized long passed() {
        return passed;
    }

    synchronized long others() {
        return others;
    }

    synchronized List<String> violations() {
        return List.copyOf(violations);
    }

    synchronized Map<String, Long> verdicts() {
        return Map.copyOf(verdicts);
    }
}
