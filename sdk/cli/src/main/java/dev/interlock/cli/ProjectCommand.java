package dev.interlock.cli;

import dev.interlock.InterlockException;
import dev.interlock.SupabaseClient;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command that works on a project. What it throws becomes one line and an exit code ({@link Failures}). */
public abstract class ProjectCommand implements Callable<Integer> {

    @Mixin
    private ConnectionOptions connection = new ConnectionOptions();

    @Option(names = "--json", description = "Print JSON, for scripts.")
    private boolean json;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    /** Does it; returns an {@link ExitCode}. */
    protected abstract int run(Project project, Console console);

    /** Whether it can say something of a project with a publishable key too, with which nothing of the queue can be seen. */
    protected boolean takesAnyKey() {
        return false;
    }

    /** Whether a script reads the output. */
    protected final boolean json() {
        return json;
    }

    /** What to throw when two options, or an option's value, make no sense. */
    protected final ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    @Override
    public final Integer call() {
        Console console = Interlock.console(spec);
        try (SupabaseClient supabase = connection.open(console, takesAnyKey())) {
            try {
                return run(new Project(supabase), console);
            } catch (InterlockException e) {
                throw Missing.explained(e, supabase);
            }
        }
    }
}
