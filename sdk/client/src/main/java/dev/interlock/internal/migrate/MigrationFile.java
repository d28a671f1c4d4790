package dev.interlock.internal.migrate;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * A numbered SQL file of {@code migrations/}, from the class path.
 *
 * @param name its file name
 * @param sql its text, with line feeds
 * @param checksum the SHA-256 of that text, in hex
 */
public record MigrationFile(String name, String sql, String checksum) {

    /** The base schema of a new project. */
    public static final String NEW_PROJECT = "000_clean_schema_no_coins.sql";

    /** What an existing project gets instead. */
    public static final String EXISTING_PROJECT = "027_add_job_queue_coordination.sql";

    // What 027 does first after it has looked at everything that is there.
    private static final String BEGINS_TO_CHANGE = "    perform set_config('lock_timeout', '5s', true);\n";

    private static final String FIRST_OF_THE_ENGINE = "030_job_queue_tables.sql";

    private static final String FOLDER = "/dev/interlock/migrations/";

    static MigrationFile named(String name) {
        String sql = text(name);
        return new MigrationFile(name, sql, sha256(sql));
    }

    /** The files for a new or an existing project, in order. */
    public static List<MigrationFile> all(boolean newProject) {
        String base = newProject ? NEW_PROJECT : EXISTING_PROJECT;
        return text("index.txt")
                .lines()
                .filter(name -> name.equals(base) || name.compareTo(FIRST_OF_THE_ENGINE) >= 0)
                .map(MigrationFile::named)
                .toList();
    }

    /** A file's text with its line ends made line feeds. */
    public static String text(String name) {
        try (InputStream in = MigrationFile.class.getResourceAsStream(FOLDER + name)) {
            if (in == null) {
                throw new IllegalStateException(
                        "The SQL file " + name + " is not on the class path; it comes with interlock-migrations.");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).replace("\r\n", "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What records that this file was applied. */
    public String recordSql() {
        return "insert into public.job_queue_migrations (name, checksum) values ('" + name + "', '" + checksum
                + "') on conflict (name) do nothing;\n";
    }

    /**
     * What applies this file and records it, in one transaction. Two Migrators take turns, and what the other has applied meanwhile is not run
     * again: by then a later file may have replaced what this one creates.
     */
    public String applySql() {
        return """
                do $interlock$
                declare
                    known text;
                begin
                    -- Another's file may take long; but the file itself makes nobody wait for long behind its own wait for a table.
                    perform set_config('lock_timeout', '100s', true);
                    perform pg_advisory_xact_lock(19029, 0);
                    perform set_config('lock_timeout', '5s', true);
                    if to_regclass('public.job_queue_migrations') is not null then
                        select m.checksum into known from public.job_queue_migrations as m where m.name = '%s';
                    end if;
                    if known is null then
                        execute $interlock_file$
                %s
                $interlock_file$;
                        %s
                    end if;
                end;
                $interlock$;
                """.formatted(name, sql, recordSql().strip());
    }

    /** The beginning of 027, which looks at what is there and refuses it or not, and then an error: nothing is changed either way. */
    public static String lookSql() {
        String sql = text(EXISTING_PROJECT);
        int change = sql.indexOf(BEGINS_TO_CHANGE);
        if (change < 0) {
            throw new IllegalStateException(EXISTING_PROJECT + " does not begin with its checks any more.");
        }
        return sql.substring(0, change) + "    raise exception using errcode = '" + Inspection.CODE
                + "', message = 'Nothing is in the way.';\nend;\n$migration$;\n";
    }

    /** One file to paste: everything for a new or an existing project, and the record of it. */
    public static String pasteReady(boolean newProject) {
        StringBuilder paste = new StringBuilder("""
                -- Interlock, everything for %s project, in one file to paste into the SQL editor (or to run with psql -f).
                -- Generated from the numbered files of migrations/ (see migrations/README.md); do not edit. Re-runnable.

                -- In an editor all of it is one transaction: what locks jobs is left to the end, so that the lock is held for a moment only.
                do $interlock$ begin perform set_config('job_queue.paste', 'on', true); end $interlock$;

                """.formatted(newProject ? "a NEW" : "an EXISTING"));
        List<MigrationFile> files = all(newProject);
        for (MigrationFile file : files) {
            paste.append("-- ")
                    .append("-".repeat(100))
                    .append("\n-- ")
                    .append(file.name())
                    .append("\n\n");
            paste.append(file.sql().strip()).append("\n\n");
        }
        paste.append("-- ").append("-".repeat(100)).append("\n-- what was applied\n\n");
        files.forEach(file -> paste.append(file.recordSql()));
        paste.append("""

                do $interlock$
                begin
                    perform set_config('job_queue.paste', '', true);
                    if to_regprocedure('job_queue.add_columns()') is not null then
                        perform job_queue.add_columns();
                        drop function job_queue.add_columns();
                    end if;
                    perform job_queue.attach();
                end;
                $interlock$;
                """);
        return paste.toString();
    }

    private static String sha256(String text) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
