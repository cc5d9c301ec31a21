package shop.imports;

public record Row(String sku, int quantity) {}
