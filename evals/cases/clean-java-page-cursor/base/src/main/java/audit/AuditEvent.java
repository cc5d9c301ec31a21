package audit;

import java.time.Instant;

public record AuditEvent(long id, String actor, String action, Instant at) {}
