package shop.imports;

public final class RowParser {
    public Row parse(String line) {
        String[] cells = line.split(";", -1);
        if (cells.length < 2) {
            throw new IllegalArgumentException("too few cells: " + cells.length);
        }
        return new Row(cells[0].trim(), Integer.parseInt(cells[1].trim()));
    }
}
