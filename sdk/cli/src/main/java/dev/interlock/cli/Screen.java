package dev.interlock.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import org.jline.terminal.Attributes;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.utils.AttributedString;
import org.jline.utils.Curses;
import org.jline.utils.Display;
import org.jline.utils.InfoCmp.Capability;
import org.jline.utils.NonBlockingReader;

/**
 * All of a person's terminal, for as long as a live view needs it. The terminal is given back as it was whatever ends the program: a key, an exception,
 * Ctrl-C, SIGTERM, the end of the connection. For one thread.
 */
public final class Screen implements AutoCloseable {

    /** What a person may press. */
    public enum Key {
        /** Nothing, in the time waited. */
        NONE,
        /** q, Ctrl-C, or the terminal is gone. */
        QUIT,
        /** One line up. */
        UP,
        /** One line down. */
        DOWN,
        /** A page up. */
        PAGE_UP,
        /** A page down. */
        PAGE_DOWN,
        /** To the beginning. */
        HOME,
        /** To the end. */
        END,
        /** Another one. */
        OTHER
    }

    private static final int ESCAPE = 27;
    private static final int CTRL_C = 3;
    private static final int CTRL_D = 4;
    private static final int CTRL_L = 12;
    // The rest of a key's sequence comes with its first character, but for a slow line.
    private static final long REST_MILLIS = 100;

    private final Terminal terminal;
    private final PrintWriter out;
    private final String leave;
    private final boolean colours;
    private final Attributes before;
    private final Display display;
    private final Thread hook;
    private final Object lock = new Object();
    private Size drawn = Size.of(0, 0);
    private boolean open = true;

    private Screen(Terminal terminal, Console console) {
        this.terminal = terminal;
        this.out = console.out();
        this.colours = console.colours();
        this.before = terminal.getAttributes();
        this.display = new Display(terminal, true);
        this.leave = sequence(Capability.cursor_normal) + sequence(Capability.exit_ca_mode);
        this.hook = new Thread(this::leave, "leave the screen");
        Runtime.getRuntime().addShutdownHook(hook);
        terminal.enterRawMode();
        Attributes raw = terminal.getAttributes();
        // Ctrl-C comes as a key: it ends the view as q does. Ctrl-Z would leave the shell with a terminal like this.
        raw.setLocalFlag(Attributes.LocalFlag.ISIG, false);
        terminal.setAttributes(raw);
        terminal.puts(Capability.enter_ca_mode);
        terminal.puts(Capability.cursor_invisible);
        terminal.flush();
    }

    /** Takes the console's terminal, which there has to be. */
    public static Screen open(Console console) {
        Terminal terminal = console.terminal();
        if (terminal == null) {
            throw new IllegalArgumentException("no terminal");
        }
        return new Screen(terminal, console);
    }

    /** How large it is now. */
    public Size size() {
        try {
            Size now = Size.of(terminal);
            return Size.of(Math.max(now.getColumns(), 1), Math.max(now.getRows(), 1));
        } catch (IllegalStateException e) {
            // The program is being ended, and the terminal was closed first.
            return drawn;
        }
    }

    /** Shows these lines and nothing else; sends only what differs from what is there. */
    public void draw(List<AttributedString> lines) {
        Size now = size();
        List<AttributedString> shown = lines.stream()
                .limit(now.getRows())
                .map(line -> line.columnSubSequence(0, now.getColumns()))
                .map(line -> colours ? line : new AttributedString(line.toString()))
                .toList();
        synchronized (lock) {
            if (!open) {
                return;
            }
            if (!now.equals(drawn)) {
                drawn = now;
                display.clear();
                display.resize(now);
            }
            try {
                display.update(shown, -1);
            } catch (IllegalStateException e) {
                // The program is being ended, and the terminal was closed first.
                open = false;
            }
        }
    }

    /** The next key, at the latest after that time. */
    public Key key(Duration wait) {
        NonBlockingReader reader = terminal.reader();
        try {
            int key = reader.read(Math.max(wait.toMillis(), 1));
            if (key != ESCAPE) {
                return plain(key);
            }
            StringBuilder rest = new StringBuilder();
            for (int next = reader.read(REST_MILLIS); next >= 0; next = reader.read(REST_MILLIS)) {
                rest.append((char) next);
                if (next == '~' || (Character.isLetter(next) && next != 'O')) {
                    break;
                }
            }
            return key(rest.toString());
        } catch (IOException | IllegalStateException e) {
            // The terminal is gone, or closed because the program is being ended.
            return Key.QUIT;
        }
    }

    private Key plain(int key) {
        return switch (key) {
            case NonBlockingReader.READ_EXPIRED -> Key.NONE;
            case NonBlockingReader.EOF, 'q', 'Q', CTRL_C, CTRL_D -> Key.QUIT;
            case 'k' -> Key.UP;
            case 'j', '\n', '\r' -> Key.DOWN;
            case 'b' -> Key.PAGE_UP;
            case ' ' -> Key.PAGE_DOWN;
            case 'g' -> Key.HOME;
            case 'G' -> Key.END;
            case CTRL_L -> {
                // Something else has written on the screen: all of it is drawn anew.
                drawn = Size.of(0, 0);
                yield Key.OTHER;
            }
            default -> Key.OTHER;
        };
    }

    private static Key key(String rest) {
        return switch (rest) {
            case "[A", "OA" -> Key.UP;
            case "[B", "OB" -> Key.DOWN;
            case "[5~" -> Key.PAGE_UP;
            case "[6~" -> Key.PAGE_DOWN;
            case "[H", "OH", "[1~", "[7~" -> Key.HOME;
            case "[F", "OF", "[4~", "[8~" -> Key.END;
            default -> Key.OTHER;
        };
    }

    private String sequence(Capability capability) {
        String sequence = terminal.getStringCapability(capability);
        return sequence == null ? "" : Curses.tputs(sequence);
    }

    /** Past the terminal: when the program is being ended, that closes in no order with this; its attributes it restores itself. */
    private void leave() {
        synchronized (lock) {
            open = false;
            out.print(leave);
            out.flush();
        }
    }

    @Override
    public void close() {
        leave();
        try {
            terminal.setAttributes(before);
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The program is being ended.
        }
    }
}
