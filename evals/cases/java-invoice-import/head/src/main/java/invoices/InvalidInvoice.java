package invoices;

import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.ResponseStatus;

@ResponseStatus(HttpStatus.UNPROCESSABLE_ENTITY)
class InvalidInvoice extends RuntimeException {
    InvalidInvoice(String message, Throwable cause) {
        super(message, cause);
    }
}
