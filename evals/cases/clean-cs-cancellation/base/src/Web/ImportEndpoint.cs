using Shop.Imports;

namespace Web;

public static class ImportEndpoint
{
    public static void MapImport(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/products/import", async (HttpRequest request, ProductImport import) =>
        {
            using var reader = new StreamReader(request.Body);
            return Results.Ok(new { imported = await import.RunAsync(reader) });
        }).RequireAuthorization("catalog-admin");
    }
}
