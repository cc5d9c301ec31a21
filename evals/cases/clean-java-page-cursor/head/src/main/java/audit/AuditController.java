package audit;

import java.sql.SQLException;
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
    AuditPage events(@RequestParam(required = false) Long before) throws SQLException {
        return before == null ? events.first(PAGE) : events.before(before, PAGE);
    }
}
