from shop.db import connection

COLUMNS = ("id", "customer_id", "placed_at", "total_cents", "status")


def find_order(order_id):
    return connection().execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()


def orders_between(start, end, sort="placed_at", descending=False):
    """Orders placed from `start` (inclusive) to `end` (exclusive), sorted by a column."""
    direction = "DESC" if descending else "ASC"
    return connection().execute(
        "SELECT * FROM orders WHERE placed_at >= ? AND placed_at < ?"
        f" ORDER BY {sort} {direction}, id {direction}",
        (start, end),
    ).fetchall()
