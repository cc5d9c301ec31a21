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
}
