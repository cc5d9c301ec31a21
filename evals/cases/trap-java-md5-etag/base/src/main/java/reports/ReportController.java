package reports;

import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

@RestController
class ReportController {
    private final ReportRenderer renderer;

    ReportController(ReportRenderer renderer) {
        this.renderer = renderer;
    }

    @GetMapping("/reports/{month}")
    ResponseEntity<byte[]> report(@PathVariable java.time.YearMonth month) {
        return ResponseEntity.ok(renderer.render(month));
    }
}
