package audit;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

public final class AuditEvents {
    private final DataSource source;

    public AuditEvents(DataSource source) {
        this.source = source;
    }

    public List<AuditEvent> page(int size, int offset) throws SQLException {
        try (Connection connection = source.getConnection();
                PreparedStatement statement = connection.prepareStatement(
                        "SELECT id, actor, action, at FROM audit_events ORDER BY id DESC LIMIT ? OFFSET ?")) {
            statement.setInt(1, size);
            statement.setInt(2, offset);
            return read(statement);
        }
    }

    private static List<AuditEvent> read(PreparedStatement statement) throws SQLException {
        List<AuditEvent> events = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                events.add(new AuditEvent(
                        rows.getLong("id"),
                        rows.getString("actor"),
                        rows.getString("action"),
                        rows.getTimestamp("at").toInstant()));
            }
        }
        return events;
    }
}
