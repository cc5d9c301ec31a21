namespace Shop.Imports;

public interface IProducts
{
    Task UpsertAsync(string sku, string name, CancellationToken cancellation = default);
}
