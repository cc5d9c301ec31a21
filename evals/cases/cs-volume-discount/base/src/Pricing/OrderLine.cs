namespace Shop.Pricing;

public sealed record OrderLine(string Sku, int Quantity, decimal UnitPrice)
{
    public decimal Subtotal => Quantity * UnitPrice;
}
