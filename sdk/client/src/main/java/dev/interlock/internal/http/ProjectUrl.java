package dev.interlock.internal.http;

import dev.interlock.ConfigurationException;
import java.net.URI;
import java.net.URISyntaxException;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;

/** The URL of a project, checked. Messages do not repeat it: a key given for the URL, or a password in it, must not get into a log. */
public final class ProjectUrl {

    private static final String EXAMPLE = " Give your project's URL, for example https://abcdefghijkl.supabase.co.";

    private ProjectUrl() {}

    /** The URL without a slash or {@code /rest/v1} at its end. */
    public static String checked(@Nullable String given) {
        if (given == null || given.isBlank()) {
            throw new ConfigurationException("There is no Supabase URL." + EXAMPLE);
        }
        String text = given.strip();
        if (text.startsWith("eyJ") || text.startsWith("sb_")) {
            throw new ConfigurationException("The Supabase URL is a key." + EXAMPLE);
        }
        if (text.startsWith("postgres:") || text.startsWith("postgresql:")) {
            throw new ConfigurationException("The Supabase URL is the address of the database." + EXAMPLE);
        }
        if (text.contains("@")) {
            throw new ConfigurationException("The Supabase URL has a user name or an @ in it." + EXAMPLE);
        }
        URI uri;
        try {
            uri = new URI(text);
        } catch (URISyntaxException e) {
            throw new ConfigurationException("The Supabase URL is malformed: " + e.getReason() + "." + EXAMPLE);
        }
        if (!"https".equalsIgnoreCase(uri.getScheme()) && !"http".equalsIgnoreCase(uri.getScheme())) {
            throw new ConfigurationException("The Supabase URL does not start with https:// or http://." + EXAMPLE);
        }
        HttpUrl url = HttpUrl.parse(text);
        if (uri.getRawAuthority() == null || uri.getQuery() != null || uri.getFragment() != null || url == null) {
            throw new ConfigurationException("The Supabase URL is not the URL of a project." + EXAMPLE);
        }
        if (url.host().equals("supabase.com") || url.host().equals("app.supabase.com")) {
            throw new ConfigurationException("The Supabase URL is the address of the Dashboard." + EXAMPLE);
        }
        return withoutEnd(withoutEnd(withoutEnd(text, "/"), "/rest/v1"), "/");
    }

    private static String withoutEnd(String text, String end) {
        String rest = text;
        while (rest.endsWith(end)) {
            rest = rest.substring(0, rest.length() - end.length());
        }
        return rest;
    }
}
