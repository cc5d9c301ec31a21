namespace Shop.Storage;

public interface IStorage
{
    /// <summary>Uploads the stream from its position to its end.</summary>
    Task UploadAsync(string name, Stream content, CancellationToken cancellation);
}
