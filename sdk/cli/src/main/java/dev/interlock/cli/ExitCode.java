package dev.interlock.cli;

/** What the command line ends with; docs/reference/cli.md. */
public final class ExitCode {
    /** It did what was asked. */
    public static final int OK = 0;

    /** It looked and found something wrong, or what was asked cannot be: an unknown job, a failed check, something that the database refuses. */
    public static final int NO = 1;

    /** It was asked wrongly: an unknown flag, a malformed value, no URL or key. */
    public static final int USAGE = 2;

    /** The project cannot be reached, cannot take the call now, or refuses the key. */
    public static final int UNREACHABLE = 3;

    /** The SQL is not installed, or is of another version. */
    public static final int NOT_INSTALLED = 4;

    /** A mistake of this program. */
    public static final int INTERNAL = 5;

    private ExitCode() {}
}
