package dev.interlock.internal;

/** The version of this SDK, and of the SQL that it brings. */
public final class SdkVersion {

    /** As in the pom, without -SNAPSHOT. */
    public static final String VERSION = "0.2.0";

    private SdkVersion() {}
}
