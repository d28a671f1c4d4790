package dev.interlock.cli.command;

import picocli.CommandLine.Command;

/** {@code interlock models pause}. */
@Command(
        name = "pause",
        description = {
            "Lets nobody start on these models. Those that hold them run on; those that wait keep their places and hold nobody else up."
        },
        footer = {"Example:", "  interlock models pause motion-2.0-fast flux"})
public final class ModelsPauseCommand extends PausingCommand {

    /** For picocli. */
    public ModelsPauseCommand() {
        super(true);
    }
}
