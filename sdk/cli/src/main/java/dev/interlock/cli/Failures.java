package dev.interlock.cli;

import dev.interlock.ConfigurationException;
import dev.interlock.ExecSqlMissingException;
import dev.interlock.InterlockException;
import dev.interlock.InterlockIoException;
import dev.interlock.InvalidRequestException;
import dev.interlock.SchemaMismatchException;
import dev.interlock.ServiceException;
import dev.interlock.UnknownJobException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns whatever went wrong into one clear line and an exit code. */
final class Failures implements CommandLine.IParameterExceptionHandler, CommandLine.IExecutionExceptionHandler {

    private static final Pattern LINE_ENDS = Pattern.compile("\\s*\\R\\s*");
    // A SQLSTATE that is not about the connection or a lack of resources, or PostgREST's word on the request.
    private static final Pattern ANSWERED = Pattern.compile("(?!08|53|57P)[0-9A-Z]{5}|PGRST[12][0-9]{2}");
    private static final Pattern KEY = Pattern.compile("sb_secret_|sb_publishable_|eyJ[A-Za-z0-9_-]{10}");

    /** What is said to whoever gives a key as an argument. */
    static final String KEY_GIVEN =
            "A key was given as an argument, where every user of this machine can read it. Put it into a file"
                    + " (--key-file) or into the variable SUPABASE_SECRET_KEY, and replace it if others may have seen it.";

    private final Console console;

    Failures(Console console) {
        this.console = console;
    }

    static boolean holdsKey(String argument) {
        return KEY.matcher(argument).find();
    }

    @Override
    public int handleParseException(ParameterException e, String[] args) {
        CommandSpec command = e.getCommandLine().getCommandSpec();
        boolean json = java.util.Arrays.asList(args).contains("--json");
        for (String arg : args) {
            // Not repeated: it would stay on the screen and in the scroll-back.
            if (holdsKey(arg)) {
                return tell(json, ExitCode.USAGE, null, KEY_GIVEN, null);
            }
        }
        StringBuilder message = new StringBuilder(inOurWords(oneLine(String.valueOf(e.getMessage()))));
        if (message.charAt(message.length() - 1) != '.') {
            message.append('.');
        }
        if (e instanceof UnmatchedArgumentException unmatched
                && !unmatched.getSuggestions().isEmpty()) {
            message.append(" Did you mean ")
                    .append(String.join(" or ", unmatched.getSuggestions()))
                    .append('?');
        }
        message.append(" See ").append(command.qualifiedName()).append(" --help.");
        return tell(json, ExitCode.USAGE, null, message.toString(), null);
    }

    @Override
    public int handleExecutionException(Exception e, CommandLine commandLine, ParseResult parsed) {
        boolean json = parsed.originalArgs().contains("--json");
        if (e instanceof ServiceException unknown && "JQ006".equals(unknown.code())) {
            return tell(json, ExitCode.NO, unknown.code(), unknown.serverMessage(), unknown.hint());
        }
        if (e instanceof UnknownJobException) {
            return tell(json, ExitCode.NO, "JQ006", text(e), "Check the id and the project.");
        }
        if (e instanceof ExecSqlMissingException) {
            return tell(
                    json,
                    ExitCode.NOT_INSTALLED,
                    null,
                    "The project has no function exec_sql, which this needs.",
                    "Print it with \"interlock sql exec-sql\" and paste it into the SQL editor once; or paste what"
                            + " \"interlock sql\" prints, which needs no exec_sql.");
        }
        if (e instanceof SchemaMismatchException) {
            return tell(
                    json,
                    ExitCode.NOT_INSTALLED,
                    code(e),
                    text(e),
                    text(e).contains("interlock install")
                            ? null
                            : "\"interlock doctor\" says what is missing, \"interlock install\" what it would do.");
        }
        if (e instanceof ConfigurationException) {
            return tell(json, ExitCode.USAGE, null, text(e), null);
        }
        if (e instanceof InvalidRequestException invalid) {
            return tell(json, ExitCode.USAGE, invalid.code(), text(e), null);
        }
        if (e instanceof ServiceException service
                && String.valueOf(service.code()).startsWith("JQ")) {
            return tell(json, ExitCode.USAGE, service.code(), service.serverMessage(), service.hint());
        }
        if (e instanceof ServiceException service && isRefusal(service)) {
            return tell(json, ExitCode.NO, service.code(), text(e), null);
        }
        if (e instanceof ServiceException || e instanceof InterlockIoException) {
            return tell(json, ExitCode.UNREACHABLE, code(e), text(e), null);
        }
        if (e instanceof InterlockException || e instanceof UncheckedIOException) {
            return tell(json, ExitCode.NO, null, text(e), null);
        }
        tell(json, ExitCode.INTERNAL, null, "A mistake of this program; please report it: " + e, null);
        e.printStackTrace(console.err());
        return ExitCode.INTERNAL;
    }

    private int tell(boolean json, int exitCode, @Nullable String code, String message, @Nullable String hint) {
        if (json) {
            Map<String, @Nullable Object> error = new LinkedHashMap<>();
            error.put("code", code);
            error.put("message", message);
            error.put("hint", hint);
            error.put("exit_code", exitCode);
            console.tellJson(Map.of("error", error));
        } else {
            console.tell("interlock: " + message + (hint == null || message.contains(hint) ? "" : " " + hint)
                    + (code == null || message.contains(code) ? "" : " (" + code + ")"));
        }
        return exitCode;
    }

    /** Whether the database was asked and said no; else it was not reached, or could not take the call now, or the key is refused. */
    private static boolean isRefusal(ServiceException e) {
        String code = e.code();
        return e.status() != 401 && code != null && ANSWERED.matcher(code).matches();
    }

    private static @Nullable String code(Exception e) {
        Throwable told = e instanceof SchemaMismatchException ? e.getCause() : e;
        return told instanceof ServiceException service ? service.code() : null;
    }

    private static String text(Exception e) {
        return oneLine(String.valueOf(e.getMessage()));
    }

    /** Without what picocli says twice, or says of every message. */
    private static String inOurWords(String message) {
        return message.replaceFirst("^Error: ", "").replace("option option ", "option ");
    }

    private static String oneLine(String text) {
        return LINE_ENDS.matcher(text.strip()).replaceAll(" ");
    }
}
