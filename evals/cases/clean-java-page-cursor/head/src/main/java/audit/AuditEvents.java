package audit;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import javax.sql.DataSource;

public final class AuditEvents {
    private static final int MAX_PAGE = 200;

    private final DataSource source;

    public AuditEvents(DataSource source) {
        this.source = source;
    }

    /** The newest events. */
    public AuditPage first(int size) throws SQLException {
        return before(Long.MAX_VALUE, size);
    }

    /** Events older than the one with the id {@code cursor}; reads one more to know whether there is a next page. */
    public AuditPage before(long cursor, int size) throws SQLException {
        if (size < 1 || size > MAX_PAGE) {
            throw new IllegalArgumentException("size must be between 1 and " + MAX_PAGE);
        }
        try (Connection connection = source.getConnection();
                PreparedStatement statement = connection.prepareStatement(
                        "SELECT id, actor, action, at FROM audit_events WHERE id < ? ORDER BY id DESC LIMIT ?")) {
            statement.setLong(1, cursor);
            statement.setInt(2, size + 1);
            List<AuditEvent> events = read(statement);
            if (events.size() <= size) {
                return new AuditPage(events, OptionalLong.empty());
            }
            List<AuditEvent> shown = events.subList(0, size);
            return new AuditPage(shown, OptionalLong.of(shown.get(size - 1).id()));
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
