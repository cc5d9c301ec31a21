using System.Text;
using Shop.Storage;

namespace Shop.Customers;

public sealed class CustomerExport
{
    private readonly ICustomers _customers;
    private readonly IStorage _storage;

    public CustomerExport(ICustomers customers, IStorage storage)
    {
        _customers = customers;
        _storage = storage;
    }

    public async Task<int> RunAsync(DateOnly day, CancellationToken cancellation)
    {
        await using var buffer = new MemoryStream();
        await using var writer = new StreamWriter(buffer, new UTF8Encoding(false));
        await writer.WriteLineAsync("id;name;email");
        var count = 0;
        await foreach (var customer in _customers.AllAsync(cancellation))
        {
            await writer.WriteLineAsync($"{customer.Id};{Quote(customer.Name)};{Quote(customer.Email)}");
            count++;
        }
        buffer.Position = 0;
        await _storage.UploadAsync($"customers-{day:yyyy-MM-dd}.csv", buffer, cancellation);
        return count;
    }

    private static string Quote(string value)
    {
        return "\"" + value.Replace("\"", "\"\"") + "\"";
    }
}
