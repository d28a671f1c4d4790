package dev.interlock;

/** What a project key may do. */
public enum KeyKind {
    /** Acts as {@code service_role}: a secret key ({@code sb_secret_…}) or the legacy service-role JWT. */
    SECRET,
    /** Acts as {@code anon}: a publishable key or the legacy anon JWT. */
    PUBLISHABLE,
    /** A JWT of another role. */
    OTHER
}
