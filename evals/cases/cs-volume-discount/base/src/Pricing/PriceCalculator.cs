namespace Shop.Pricing;

public sealed class PriceCalculator
{
    public decimal Total(IReadOnlyCollection<OrderLine> lines)
    {
        return lines.Sum(line => line.Subtotal);
    }
}
