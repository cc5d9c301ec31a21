package inventory;

import java.io.IOException;
import java.time.Duration;

/** Tries something again after an I/O error, with a pause that doubles. */
final class Retry {
    interface Call<T> {
        T run() throws IOException, InterruptedException;
    }

    private final int attempts;
    private final Duration firstPause;

    Retry(int attempts, Duration firstPause) {
        if (attempts < 1) {
            throw new IllegalArgumentException("at least one attempt");
        }
        this.attempts = attempts;
        this.firstPause = firstPause;
    }

    <T> T run(Call<T> call) throws IOException, InterruptedException {
        Duration pause = firstPause;
        for (int attempt = 1; ; attempt++) {
            try {
                return call.run();
            } catch (IOException error) {
                if (attempt >= attempts) {
                    throw error;
                }
            }
            Thread.sleep(pause.toMillis());
            pause = pause.multipliedBy(2);
        }
    }
}
