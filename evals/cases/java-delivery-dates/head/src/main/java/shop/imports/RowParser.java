package shop.imports;

import java.text.ParseException;
import java.text.SimpleDateFormat;
import java.util.Date;

public final class RowParser {
    private static final SimpleDateFormat DATE = new SimpleDateFormat("dd.MM.yyyy");

    static {
        DATE.setLenient(false);
    }

    public Row parse(String line) {
        String[] cells = line.split(";", -1);
        if (cells.length < 3) {
            throw new IllegalArgumentException("too few cells: " + cells.length);
        }
        return new Row(cells[0].trim(), Integer.parseInt(cells[1].trim()), parseDate(cells[2].trim()));
    }

    private static Date parseDate(String text) {
        try {
            return DATE.parse(text);
        } catch (ParseException error) {
            throw new IllegalArgumentException("not a date: " + text, error);
        }
    }
}
