package dev.interlock.benchmarks.peers;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.interlock.benchmarks.Bench;
import java.sql.SQLException;

/** Connections for a peer, whose tables are in a schema of its own in the same database. */
final class Pool {

    /** How many jobs each peer runs at once; JobRunr's own number on two cores is 16. */
    static final int THREADS = 20;

    private Pool() {}

    /** A connection for each thread and some for the peer's own threads, all open from the start. */
    static HikariDataSource open(Bench bench, String schema) throws SQLException {
        bench.execute("create schema if not exists " + schema);
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(bench.local().jdbcUrl());
        config.setSchema(schema);
        config.setMaximumPoolSize(THREADS + 5);
        config.setMinimumIdle(THREADS + 5);
        return new HikariDataSource(config);
    }
}
