namespace Shop.Customers;

public interface ICustomers
{
    IAsyncEnumerable<Customer> AllAsync(CancellationToken cancellation);
}
