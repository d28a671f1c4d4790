package dev.interlock.cli;

import picocli.CommandLine.IVersionProvider;

/** What {@code interlock --version} prints. */
final class Version implements IVersionProvider {

    @Override
    public String[] getVersion() {
        String version = Interlock.class.getPackage().getImplementationVersion();
        return new String[] {"interlock " + (version == null ? "(not built)" : version)};
    }
}
