package audit;

import java.util.List;
import java.util.OptionalLong;

/** One page, newest first, and the cursor of the next one if there is one. */
public record AuditPage(List<AuditEvent> events, OptionalLong next) {
    public AuditPage {
        events = List.copyOf(events);
    }
}
