package dev.interlock.cli;

import dev.interlock.InterlockException;
import dev.interlock.JobCoordinator;
import dev.interlock.SchemaMismatchException;
import dev.interlock.ServiceException;
import dev.interlock.SupabaseClient;

/** Says of something that a project lacks whether all of Interlock's SQL is missing there, or a version is installed that has not got it. */
final class Missing {

    // Of a table that is there, the predecessor's log.
    private static final String NO_SUCH_COLUMN = "42703";

    private Missing() {}

    /** The same error in words for somebody at a command line; one of another kind as it is. */
    static InterlockException explained(InterlockException e, SupabaseClient supabase) {
        ServiceException cause;
        if (e instanceof SchemaMismatchException && e.getCause() instanceof ServiceException lacking) {
            cause = lacking;
        } else if (e instanceof ServiceException lacking && NO_SUCH_COLUMN.equals(lacking.code())) {
            cause = lacking;
        } else {
            return e;
        }
        try {
            String version = JobCoordinator.create(supabase).version().version();
            return new SchemaMismatchException(
                    "Version " + version + " of Interlock's SQL is installed, which lacks something that this needs: "
                            + cause.serverMessage() + ".",
                    cause);
        } catch (SchemaMismatchException none) {
            return new SchemaMismatchException(
                    "Interlock's SQL is not installed in this project, or the API has not read it yet: run \"interlock install\".",
                    cause);
        } catch (InterlockException unreachable) {
            return e;
        }
    }
}
