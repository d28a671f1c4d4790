package dev.interlock.cli.view;

import org.jline.utils.AttributedString;
import org.jline.utils.AttributedStyle;

/** The few colours: the terminal's own sixteen, none of those that vanish on a white or on a black ground, and never the only sign of anything. */
public final class Styles {

    private static final AttributedStyle HEADING = AttributedStyle.BOLD;
    private static final AttributedStyle FAINT = AttributedStyle.DEFAULT.faint();
    private static final AttributedStyle GOOD = AttributedStyle.DEFAULT.foreground(AttributedStyle.GREEN);
    private static final AttributedStyle WARNING = AttributedStyle.DEFAULT.foreground(AttributedStyle.MAGENTA);
    private static final AttributedStyle BAD = AttributedStyle.BOLD.foreground(AttributedStyle.RED);

    private Styles() {}

    /** What a reader looks for first: a heading, a model's name. */
    public static AttributedString heading(String text) {
        return new AttributedString(text, HEADING);
    }

    /** What may be passed over. */
    public static AttributedString faint(String text) {
        return new AttributedString(text, FAINT);
    }

    /** As it should be; running. */
    public static AttributedString good(String text) {
        return new AttributedString(text, GOOD);
    }

    /** Worth a look: paused, waits long. */
    public static AttributedString warning(String text) {
        return new AttributedString(text, WARNING);
    }

    /** Wrong: failed, missing, lost. */
    public static AttributedString bad(String text) {
        return new AttributedString(text, BAD);
    }

    /** {@link #bad} or {@link #warning}. */
    static AttributedString of(boolean wrong, String text) {
        return wrong ? bad(text) : warning(text);
    }

    /** As it is. */
    public static AttributedString plain(String text) {
        return new AttributedString(text);
    }
}
