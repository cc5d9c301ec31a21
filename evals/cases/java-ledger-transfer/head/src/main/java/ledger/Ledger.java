package ledger;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;

public final class Ledger {
    private final DataSource source;

    public Ledger(DataSource source) {
        this.source = source;
    }

    public void deposit(long account, long cents) throws SQLException {
        try (Connection connection = source.getConnection()) {
            Accounts.add(connection, account, cents);
        }
    }

    /** Moves money from one account to another, both or neither. */
    public void transfer(long from, long to, long cents) throws SQLException {
        if (cents <= 0) {
            throw new IllegalArgumentException("cents must be positive");
        }
        if (from == to) {
            return;
        }
        Connection connection = source.getConnection();
        connection.setAutoCommit(false);
        try {
            Accounts.add(connection, from, -cents);
            Accounts.add(connection, to, cents);
            connection.commit();
        } catch (SQLException error) {
            connection.rollback();
            throw error;
        }
        connection.setAutoCommit(true);
        connection.close();
    }
}
