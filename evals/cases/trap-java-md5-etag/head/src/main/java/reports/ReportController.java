package reports;

import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

@RestController
class ReportController {
    private final ReportRenderer renderer;

    ReportController(ReportRenderer renderer) {
        this.renderer = renderer;
    }

    @GetMapping("/reports/{month}")
    ResponseEntity<byte[]> report(
            @PathVariable java.time.YearMonth month,
            @RequestHeader(name = HttpHeaders.IF_NONE_MATCH, required = false) String held) {
        byte[] content = renderer.render(month);
        String tag = ETags.of(content);
        if (tag.equals(held)) {
            return ResponseEntity.status(HttpStatus.NOT_MODIFIED).eTag(tag).build();
        }
        return ResponseEntity.ok().eTag(tag).body(content);
    }
}
