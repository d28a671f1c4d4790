package dev.interlock.internal.http;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What an error answer said, however the gateway, PostgREST or PostgreSQL put it.
 *
 * @param foreign whether it was no JSON object with a message, so that something else than the service answered
 * @param outcomeUnknown whether the request, or an earlier sending of it, may have been carried out
 */
public record ErrorBody(
        int status,
        @Nullable String code,
        String message,
        @Nullable String details,
        @Nullable String hint,
        @Nullable String requestId,
        int attempts,
        boolean foreign,
        boolean outcomeUnknown) {

    private static final int LONGEST = 300;

    static ErrorBody parse(int status, String body, @Nullable String requestId, int attempts) {
        JsonNode json = JsonCodec.object(body);
        String message = json == null ? null : text(json, "message");
        if (json != null && message == null) {
            message = text(json, "msg");
        }
        if (status == 404 && json != null && json.isEmpty()) {
            // What PostgREST 12 says to a write into a table that it does not know; later ones give this code
            // themselves.
            return new ErrorBody(
                    status,
                    "PGRST205",
                    "Could not find the table in the schema cache.",
                    null,
                    null,
                    requestId,
                    attempts,
                    false,
                    false);
        }
        if (json == null || message == null) {
            String plain = body.replaceAll("(?s)<(style|script).*?</\\1>", " ")
                    .replaceAll("<[^>]*>", " ")
                    .replaceAll("\\s+", " ")
                    .strip();
            String shown = plain.length() > LONGEST ? plain.substring(0, LONGEST) + "…" : plain;
            return new ErrorBody(
                    status,
                    null,
                    "Not the service but something before it answered"
                            + (shown.isEmpty() ? ", with nothing." : ": \"" + shown + "\"."),
                    null,
                    status == 540 ? "The project is paused; restore it in the Dashboard." : null,
                    requestId,
                    attempts,
                    true,
                    status < 300 || (status >= 500 && status != 540));
        }
        return new ErrorBody(
                status,
                text(json, "code"),
                message,
                text(json, "details"),
                text(json, "hint"),
                requestId,
                attempts,
                false,
                false);
    }

    ErrorBody outcomeIsUnknown() {
        return new ErrorBody(status, code, message, details, hint, requestId, attempts, foreign, true);
    }

    private static @Nullable String text(JsonNode json, String field) {
        JsonNode value = json.get(field);
        if (value == null || value.isNull()) {
            return null;
        }
        return value.isString() ? value.asString() : value.toString();
    }

    /** The message of an exception: what was said, then what helps to find out more. Never a key or a payload. */
    public String text() {
        StringBuilder text = new StringBuilder(message);
        if (hint != null && !hint.isBlank()) {
            if (!message.matches("(?s).*[.!?:;…]\\s*")) {
                text.append('.');
            }
            text.append(" Hint: ").append(hint);
        }
        text.append(" [HTTP ").append(status);
        if (code != null) {
            text.append(", code ").append(code);
        }
        if (requestId != null) {
            text.append(", request ").append(requestId);
        }
        if (attempts > 1) {
            text.append(", sent ").append(attempts).append(" times");
        }
        return text.append(']').toString();
    }
}
