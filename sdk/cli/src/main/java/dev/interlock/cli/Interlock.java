package dev.interlock.cli;

import dev.interlock.cli.command.AdoptCommand;
import dev.interlock.cli.command.CompletionCommand;
import dev.interlock.cli.command.DoctorCommand;
import dev.interlock.cli.command.ExplainCommand;
import dev.interlock.cli.command.InstallCommand;
import dev.interlock.cli.command.JobsCommand;
import dev.interlock.cli.command.LimitsCommand;
import dev.interlock.cli.command.LocalCommand;
import dev.interlock.cli.command.LogCommand;
import dev.interlock.cli.command.MetricsCommand;
import dev.interlock.cli.command.ModelsCommand;
import dev.interlock.cli.command.ReplayCommand;
import dev.interlock.cli.command.RollbackCommand;
import dev.interlock.cli.command.SqlCommand;
import dev.interlock.cli.command.StatusCommand;
import dev.interlock.cli.command.SweepCommand;
import dev.interlock.cli.command.VerifyCommand;
import dev.interlock.cli.command.WatchCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ScopeType;

/** The command {@code interlock}. */
@Command(
        name = "interlock",
        description = "Coordinates AI jobs on Supabase so that jobs that need the same model never collide.",
        versionProvider = Version.class,
        subcommands = {
            LocalCommand.class,
            InstallCommand.class,
            VerifyCommand.class,
            DoctorCommand.class,
            AdoptCommand.class,
            RollbackCommand.class,
            StatusCommand.class,
            WatchCommand.class,
            ExplainCommand.class,
            LogCommand.class,
            MetricsCommand.class,
            JobsCommand.class,
            ModelsCommand.class,
            LimitsCommand.class,
            SweepCommand.class,
            ReplayCommand.class,
            SqlCommand.class,
            CompletionCommand.class,
        },
        scope = ScopeType.INHERIT,
        mixinStandardHelpOptions = true,
        sortOptions = false,
        sortSynopsis = false,
        abbreviateSynopsis = true,
        synopsisSubcommandLabel = "COMMAND",
        usageHelpAutoWidth = false,
        footerHeading = "%n",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:something is wrong, or what was asked cannot be",
            "2:asked wrongly: an unknown flag, a malformed value, no URL or key",
            "3:the project cannot be reached, or refuses the key",
            "4:the SQL is not installed, or is of another version",
            "5:a mistake of this program"
        })
public final class Interlock {

    private final Console console;

    private Interlock(Console console) {
        this.console = console;
    }

    /** Runs a command and ends the process with its exit code. */
    public static void main(String[] args) {
        int exitCode;
        try (Console console = Console.system()) {
            exitCode = run(console, args);
        }
        System.exit(exitCode);
    }

    /** Runs a command and returns its {@link ExitCode}. */
    public static int run(Console console, String... args) {
        return commandLine(console).execute(args.length == 0 ? new String[] {"--help"} : args);
    }

    /** The commands and their options. */
    public static CommandLine commandLine(Console console) {
        Failures failures = new Failures(console);
        return new CommandLine(new Interlock(console))
                .setOut(console.out())
                .setErr(console.err())
                .setColorScheme(CommandLine.Help.defaultColorScheme(console.colours() ? Ansi.ON : Ansi.OFF))
                .setUsageHelpWidth(Math.min(Math.max(console.width(), 60), 110))
                .setParameterExceptionHandler(failures)
                .setExecutionExceptionHandler(failures)
                .setCaseInsensitiveEnumValuesAllowed(true);
    }

    /** The console of the program that this command belongs to. */
    public static Console console(CommandSpec command) {
        return ((Interlock) command.root().userObject()).console;
    }
}
