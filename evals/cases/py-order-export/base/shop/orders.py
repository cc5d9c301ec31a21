from shop.db import connection

COLUMNS = ("id", "customer_id", "placed_at", "total_cents", "status")


def find_order(order_id):
    return connection().execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()


def orders_between(start, end):
    return connection().execute(
        "SELECT * FROM orders WHERE placed_at >= ? AND placed_at < ? ORDER BY placed_at",
        (start, end),
    ).fetchall()
