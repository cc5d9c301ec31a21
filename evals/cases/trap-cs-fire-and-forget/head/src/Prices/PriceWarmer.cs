using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Shop.Prices;

/// <summary>Loads the prices once after the start; requests load them themselves if this fails.</summary>
public sealed class PriceWarmer : IHostedService
{
    private readonly PriceCache _cache;
    private readonly ILogger<PriceWarmer> _log;
    private readonly CancellationTokenSource _stopping = new();
    private Task _warming = Task.CompletedTask;

    public PriceWarmer(PriceCache cache, ILogger<PriceWarmer> log)
    {
        _cache = cache;
        _log = log;
    }

    public Task StartAsync(CancellationToken cancellation)
    {
        _warming = WarmAsync();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellation)
    {
        await _stopping.CancelAsync();
        await _warming;
    }

    private async Task WarmAsync()
    {
        await Task.Yield();
        try
        {
            var prices = await _cache.GetAsync(_stopping.Token);
            _log.LogInformation("{Count} prices loaded", prices.Count);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
        }
        catch (Exception error)
        {
            _log.LogWarning(error, "Prices were not loaded at start");
        }
    }
}
