package dev.interlock.cli.command;

import picocli.CommandLine.Command;

/** {@code interlock jobs}. */
@Command(
        name = "jobs",
        description = "Lists jobs, cancels them, brings them back, moves them in line.",
        subcommands = {
            JobsListCommand.class,
            JobsCancelCommand.class,
            JobsRetryCommand.class,
            JobsPriorityCommand.class,
        })
public final class JobsCommand {}
