using Shop.Imports;

namespace Web;

public static class ImportEndpoint
{
    public static void MapImport(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/products/import", async (HttpRequest request, ProductImport import, CancellationToken cancellation) =>
        {
            using var reader = new StreamReader(request.Body);
            var result = await import.RunAsync(reader, cancellation);
            return Results.Ok(new { imported = result.Imported, skippedLines = result.SkippedLines });
        }).RequireAuthorization("catalog-admin");
    }
}
