package inventory;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

public final class InventoryClient {
    private final HttpClient http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();
    private final Retry retry = new Retry(3, Duration.ofMillis(200));
    private final URI base;

    public InventoryClient(URI base) {
        this.base = base;
    }

    public String stock(long productId) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(base.resolve("/stock/" + productId))
                .timeout(Duration.ofSeconds(5))
                .build();
        HttpResponse<String> response = retry.run(() -> http.send(request, HttpResponse.BodyHandlers.ofString()));
        if (response.statusCode() != 200) {
            throw new IOException("inventory answered " + response.statusCode());
        }
        return response.body();
    }
}
