package invoices;

import java.math.BigDecimal;
import java.time.LocalDate;

public record Invoice(String number, LocalDate issuedOn, BigDecimal total) {}
