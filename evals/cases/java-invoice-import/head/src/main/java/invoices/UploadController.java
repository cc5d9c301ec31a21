package invoices;

import java.io.IOException;
import org.springframework.http.HttpStatus;
import org.springframework.security.access.prepost.PreAuthorize;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.multipart.MultipartFile;

@RestController
@PreAuthorize("hasRole('SUPPLIER')")
class UploadController {
    private final InvoiceArchive archive;

    UploadController(InvoiceArchive archive) {
        this.archive = archive;
    }

    @PostMapping("/invoices/pdf")
    @ResponseStatus(HttpStatus.CREATED)
    void pdf(@RequestParam MultipartFile file) throws IOException {
        archive.store(file.getBytes());
    }

    @PostMapping("/invoices/xml")
    @ResponseStatus(HttpStatus.CREATED)
    Invoice xml(@RequestParam MultipartFile file) throws IOException {
        Invoice invoice = InvoiceXml.read(file.getInputStream());
        archive.store(file.getBytes());
        return invoice;
    }
}
