package shop.imports;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

public final class ImportService {
    private final ExecutorService pool = Executors.newFixedThreadPool(8);
    private final RowParser parser = new RowParser();
    private final Stock stock;

    public ImportService(Stock stock) {
        this.stock = stock;
    }

    public void importAll(List<Path> files) {
        for (Path file : files) {
            pool.submit(() -> new FileImport(file, parser, stock).run());
        }
    }
}
