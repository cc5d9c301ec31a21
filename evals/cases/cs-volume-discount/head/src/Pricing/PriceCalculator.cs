namespace Shop.Pricing;

public sealed class PriceCalculator
{
    private readonly VolumeDiscount _discount;

    public PriceCalculator(VolumeDiscount discount)
    {
        _discount = discount;
    }

    public decimal Total(IReadOnlyCollection<OrderLine> lines, bool wholesale = false)
    {
        var subtotal = lines.Sum(line => line.Subtotal);
        if (!wholesale)
        {
            return subtotal;
        }
        var percent = _discount.PercentFor(lines.Sum(line => line.Quantity));
        var reduction = subtotal * (percent / 100);
        return decimal.Round(subtotal - reduction, 2, MidpointRounding.ToEven);
    }
}
