package reports;

import java.nio.charset.StandardCharsets;
import java.time.YearMonth;
import org.springframework.stereotype.Component;

@Component
class ReportRenderer {
    /** Same month, same bytes: the report holds no time of rendering. */
    byte[] render(YearMonth month) {
        return ("<h1>" + month + "</h1>").getBytes(StandardCharsets.UTF_8);
    }
}
