package dev.interlock;

import dev.interlock.internal.http.Answer;
import dev.interlock.internal.http.ErrorBody;
import dev.interlock.internal.http.HttpCall;
import dev.interlock.internal.http.Transport;
import java.util.Objects;

/** Sends a request and turns an error answer into its exception. */
final class Call {

    private Call() {}

    static Answer send(Transport transport, HttpCall call) {
        Answer answer = transport.send(call);
        ErrorBody error = answer.error();
        if (error != null) {
            throw exception(error);
        }
        return answer;
    }

    private static InterlockException exception(ErrorBody error) {
        String code = Objects.requireNonNullElse(error.code(), "");
        if (error.foreign() && error.status() != 401 && error.status() != 403) {
            return new UnexpectedResponseException(error);
        }
        switch (code) {
            case "PGRST202", "PGRST204", "PGRST205", "42P01", "42883" -> {
                return new SchemaMismatchException(
                        error.text()
                                + " Migrations are missing or old, or PostgREST has not read the schema since. Run"
                                + " Migrator.create(supabase).migrate(), or paste the SQL of migrations/paste into the SQL editor.",
                        byStatus(error));
            }
            case "42501" -> {
                return new PermissionDeniedException(error);
            }
            default -> {
                return byStatus(error);
            }
        }
    }

    private static ServiceException byStatus(ErrorBody error) {
        int status = error.status();
        if (status >= 500) {
            return new ServerErrorException(error);
        }
        return switch (status) {
            case 401 -> new UnauthorizedException(error);
            case 403 -> new PermissionDeniedException(error);
            case 404 -> new NotFoundException(error);
            case 409 -> new ConflictException(error);
            case 429 -> new RateLimitedException(error);
            default -> new BadRequestException(error);
        };
    }
}
