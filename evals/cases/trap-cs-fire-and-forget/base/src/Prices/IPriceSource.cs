namespace Shop.Prices;

public interface IPriceSource
{
    Task<IReadOnlyDictionary<string, decimal>> LoadAsync(CancellationToken cancellation);
}
