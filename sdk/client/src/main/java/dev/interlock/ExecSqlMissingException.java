package dev.interlock;

/** There is no {@code exec_sql} in the project yet: one paste into the SQL editor creates it. */
public final class ExecSqlMissingException extends SchemaMismatchException {
    private static final long serialVersionUID = 1L;

    private final String sql;

    ExecSqlMissingException(String sql, Throwable cause) {
        super(
                "The project has no function exec_sql, through which migrations are applied. Open the project's Dashboard, SQL Editor,"
                        + " New query; paste the following, run it, and try again. (Or paste migrations/paste/new_project.sql or"
                        + " existing_project.sql instead, which installs everything without exec_sql.)\n\n" + sql,
                cause);
        this.sql = sql;
    }

    /** The SQL to paste. */
    public String sql() {
        return sql;
    }
}
