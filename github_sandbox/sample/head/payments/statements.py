"""Monthly statements: a merchant's charges, page by page."""

from sqlite3 import Connection, Row

PAGE_SIZE = 50


def count_pages(total: int) -> int:
    """How many pages `total` charges fill; one empty page for none."""
    return max(1, -(-total // PAGE_SIZE))


def statement_page(connection: Connection, merchant_id: int, page: int) -> list[Row]:
    """One page of a merchant's charges, oldest first; pages are counted from 1."""
    start = page * PAGE_SIZE
    return connection.execute(
        "SELECT * FROM charges WHERE merchant_id = ? ORDER BY id LIMIT ? OFFSET ?",
        (merchant_id, PAGE_SIZE, start),
    ).fetchall()


def statement_total(connection: Connection, merchant_id: int) -> int:
    """What a merchant took, less what was refunded, in cents."""
    row = connection.execute(
        "SELECT COALESCE(SUM(amount_cents - refunded_cents), 0) FROM charges WHERE merchant_id = ?",
        (merchant_id,),
    ).fetchone()
    return int(row[0])
