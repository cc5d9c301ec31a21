namespace Shop.Imports;

public sealed class ProductImport
{
    private readonly IProducts _products;

    public ProductImport(IProducts products)
    {
        _products = products;
    }

    public async Task<int> RunAsync(TextReader reader)
    {
        var count = 0;
        while (await reader.ReadLineAsync() is { } line)
        {
            var cells = line.Split(';');
            await _products.UpsertAsync(cells[0], cells[1]);
            count++;
        }
        return count;
    }
}
