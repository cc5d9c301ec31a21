package shop.imports;

import java.util.Date;

public record Row(String sku, int quantity, Date deliveredOn) {}
