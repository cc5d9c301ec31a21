"""Monthly statements: a merchant's charges, page by page."""

from sqlite3 import Connection

PAGE_SIZE = 50


def count_pages(total: int) -> int:
    """How many pages `total` charges fill; one empty page for none."""
    return max(1, -(-total // PAGE_SIZE))


def statement_total(connection: Connection, merchant_id: int) -> int:
    """What a merchant took, less what was refunded, in cents."""
    row = connection.execute(
        "SELECT COALESCE(SUM(amount_cents - refunded_cents), 0) FROM charges WHERE merchant_id = ?",
        (merchant_id,),
    ).fetchone()
    return int(row[0])
