package ledger;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;

final class Accounts {
    private Accounts() {}

    static void add(Connection connection, long account, long cents) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("UPDATE accounts SET cents = cents + ? WHERE id = ? AND cents + ? >= 0")) {
            statement.setLong(1, cents);
            statement.setLong(2, account);
            statement.setLong(3, cents);
            if (statement.executeUpdate() != 1) {
                throw new InsufficientFunds(account);
            }
        }
    }
}
