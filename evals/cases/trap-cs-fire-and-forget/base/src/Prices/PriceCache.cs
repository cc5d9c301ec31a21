namespace Shop.Prices;

public sealed class PriceCache
{
    private readonly IPriceSource _source;
    private volatile IReadOnlyDictionary<string, decimal>? _prices;

    public PriceCache(IPriceSource source)
    {
        _source = source;
    }

    public async Task<IReadOnlyDictionary<string, decimal>> GetAsync(CancellationToken cancellation)
    {
        return _prices ??= await _source.LoadAsync(cancellation);
    }
}
