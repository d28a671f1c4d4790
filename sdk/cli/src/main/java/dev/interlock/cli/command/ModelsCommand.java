package dev.interlock.cli.command;

import picocli.CommandLine.Command;

/** {@code interlock models}. */
@Command(
        name = "models",
        description = "Lists models and changes them while jobs run: capacity, rate, pause, other names.",
        subcommands = {
            ModelsListCommand.class,
            ModelsSetCommand.class,
            ModelsPauseCommand.class,
            ModelsResumeCommand.class,
            ModelsAliasCommand.class,
        })
public final class ModelsCommand {}
