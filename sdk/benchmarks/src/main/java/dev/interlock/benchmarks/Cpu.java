package dev.interlock.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** The processor time of PostgREST's sessions in the database, as the kernel counts it, in hundredths of a second. */
public final class Cpu {

    private static final double TICKS_A_SECOND = 100;

    private Cpu() {}

    /** Seconds so far. */
    public static double seconds(Bench bench) throws SQLException, IOException {
        List<String> sessions = new ArrayList<>();
        try (Connection connection = bench.local().openAdminConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "select pid from pg_stat_activity where usename = 'authenticator' and backend_type = 'client backend'")) {
            while (row.next()) {
                sessions.add(row.getString(1));
            }
        }
        double ticks = 0;
        for (String pid : sessions) {
            String stat = Files.readString(Path.of("/proc", pid, "stat"));
            // The name, in parentheses, may hold blanks; behind it utime and stime are the 12th and 13th.
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
            ticks += Double.parseDouble(fields[11]) + Double.parseDouble(fields[12]);
        }
        return ticks / TICKS_A_SECOND;
    }
}
