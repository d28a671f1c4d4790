package dev.interlock.cli.command;

import picocli.CommandLine.Command;

/** {@code interlock models resume}. */
@Command(
        name = "resume",
        description = "Ends the pause of these models: those that waited go back to the places that they had.",
        footer = {"Example:", "  interlock models resume motion-2.0-fast"})
public final class ModelsResumeCommand extends PausingCommand {

    /** For picocli. */
    public ModelsResumeCommand() {
        super(false);
    }
}
