namespace Shop.Imports;

public sealed class ProductImport
{
    private readonly IProducts _products;

    public ProductImport(IProducts products)
    {
        _products = products;
    }

    /// <exception cref="OperationCanceledException">The import was cancelled; rows before stay imported.</exception>
    public async Task<ImportResult> RunAsync(TextReader reader, CancellationToken cancellation)
    {
        var imported = 0;
        var number = 0;
        var skipped = new List<int>();
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            number++;
            var cells = line.Split(';');
            if (cells.Length < 2)
            {
                skipped.Add(number);
                continue;
            }
            await _products.UpsertAsync(cells[0], cells[1], cancellation);
            imported++;
        }
        return new ImportResult(imported, skipped);
    }
}
