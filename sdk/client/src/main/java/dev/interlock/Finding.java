package dev.interlock;

import org.jspecify.annotations.Nullable;

/**
 * Something that {@link Doctor} found wrong, or worth knowing. {@code docs/reference/doctor.md} lists them all by their ids.
 *
 * @param id which one it is, for example {@code old-trigger}; stays the same over versions
 * @param severity how bad it is
 * @param what what was seen, in a sentence
 * @param why why it matters
 * @param todo what to do about it
 * @param sql the exact SQL for it, to paste; null where there is none, or where it takes a decision
 * @param fixable whether {@link Doctor#fix} does it, which never deletes anything and takes nothing that is in use
 */
public record Finding(
        String id,
        Severity severity,
        String what,
        String why,
        String todo,
        @Nullable String sql,
        boolean fixable) {

    /** How bad a finding is. */
    public enum Severity {
        /** Something does not work, or a door is open. */
        ERROR,
        /** Something will go wrong, or is going slowly. */
        WARNING,
        /** Nothing is wrong; something is worth knowing. */
        NOTE
    }
}
