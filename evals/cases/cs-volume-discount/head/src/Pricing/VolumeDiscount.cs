namespace Shop.Pricing;

/// <summary>Percentages off, by the units of an order.</summary>
public sealed class VolumeDiscount
{
    private static readonly (int Units, int Percent)[] Steps =
    {
        (1000, 20),
        (500, 15),
        (100, 10),
        (50, 5),
    };

    public int PercentFor(int units)
    {
        foreach (var (atLeast, percent) in Steps)
        {
            if (units >= atLeast)
            {
                return percent;
            }
        }
        return 0;
    }
}
