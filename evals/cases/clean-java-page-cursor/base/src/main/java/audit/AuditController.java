package audit;

import java.sql.SQLException;
import java.util.List;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@PreAuthorize("hasRole('AUDITOR')")
class AuditController {
    private static final int PAGE = 50;

    private final AuditEvents events;

    AuditController(AuditEvents events) {
        this.events = events;
    }

    @GetMapping("/audit")
    List<AuditEvent> events(@RequestParam(defaultValue = "0") int offset) throws SQLException {
        return events.page(PAGE, Math.max(offset, 0));
    }
}
