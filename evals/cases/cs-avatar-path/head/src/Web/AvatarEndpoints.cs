using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.Options;

namespace Web;

public static class AvatarEndpoints
{
    private static readonly FileExtensionContentTypeProvider Types = new();

    public static void MapAvatars(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/avatars", (string file, HttpContext http, IOptions<AvatarOptions> options) =>
        {
            var path = Path.Combine(options.Value.Folder, file);
            if (!File.Exists(path))
            {
                return Results.NotFound();
            }
            if (!Types.TryGetContentType(path, out var type))
            {
                type = "application/octet-stream";
            }
            http.Response.Headers.CacheControl = "public, max-age=86400";
            return Results.File(path, type, lastModified: File.GetLastWriteTimeUtc(path));
        });
    }
}
