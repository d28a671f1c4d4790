package dev.interlock.internal.http;

import dev.interlock.ConfigurationException;
import dev.interlock.KeyKind;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A project key, checked; it never shows itself. */
public final class ProjectKey {

    private static final Pattern ROLE = Pattern.compile("\"role\"\\s*:\\s*\"([^\"]*)\"");

    private final String value;
    private final boolean jwt;
    private final KeyKind kind;

    private ProjectKey(String value, boolean jwt, KeyKind kind) {
        this.value = value;
        this.jwt = jwt;
        this.kind = kind;
    }

    /** Checks the shape of a key without sending it anywhere. */
    public static ProjectKey of(String key) {
        if (key.isBlank()) {
            throw new ConfigurationException(
                    "The Supabase key is empty. Set SUPABASE_SECRET_KEY to the project's secret key"
                            + " (Dashboard, Project Settings, API Keys).");
        }
        checkCharacters("The Supabase key", key);
        if (key.startsWith("sb_secret_")) {
            return new ProjectKey(key, false, KeyKind.SECRET);
        }
        if (key.startsWith("sb_publishable_")) {
            return new ProjectKey(key, false, KeyKind.PUBLISHABLE);
        }
        String[] parts = key.split("\\.", -1);
        if (parts.length == 3 && key.startsWith("eyJ")) {
            return new ProjectKey(key, true, kindOf(parts[1]));
        }
        throw new ConfigurationException(
                "This is not a Supabase key: it starts neither with sb_secret_ or sb_publishable_ nor is it a JWT"
                        + " (three parts with dots, starting with eyJ). It has " + key.length() + " characters.");
    }

    /** Refuses what no header can carry, without showing it. */
    public static void checkCharacters(String what, String secret) {
        if (secret.isBlank()) {
            throw new ConfigurationException(what + " is empty.");
        }
        for (int i = 0; i < secret.length(); i++) {
            char c = secret.charAt(i);
            if (c <= ' ' || c > '~') {
                throw new ConfigurationException(what + " has a "
                        + (c == '\n' || c == '\r' ? "line break" : c == ' ' ? "blank" : "character that no key has")
                        + " at position " + (i + 1) + " of " + secret.length()
                        + ". Copy it again, without what is around it.");
            }
        }
    }

    private static KeyKind kindOf(String claims) {
        try {
            String json = new String(Base64.getUrlDecoder().decode(claims), StandardCharsets.UTF_8);
            Matcher role = ROLE.matcher(json);
            if (role.find()) {
                return switch (role.group(1)) {
                    case "service_role" -> KeyKind.SECRET;
                    case "anon" -> KeyKind.PUBLISHABLE;
                    default -> KeyKind.OTHER;
                };
            }
        } catch (IllegalArgumentException e) {
            // Not base64: the service will say so.
        }
        return KeyKind.OTHER;
    }

    public KeyKind kind() {
        return kind;
    }

    public String value() {
        return value;
    }

    /** Only a JWT may go into Authorization; an opaque key there is taken for a broken JWT. */
    public boolean isJwt() {
        return jwt;
    }

    @Override
    public String toString() {
        return "a " + kind + " key";
    }
}
