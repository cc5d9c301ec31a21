"""A merchant's charges as a CSV file, for accounting."""

import csv
from pathlib import Path
from sqlite3 import Connection

COLUMNS = ("id", "reference", "amount_cents", "refunded_cents", "created_at")


def export_charges(connection: Connection, merchant_id: int, month: str, folder: Path) -> Path:
    target = folder / f"charges-{merchant_id}-{month}.csv"
    output = open(target, "w", newline="", encoding="utf-8")
    writer = csv.writer(output)
    writer.writerow(COLUMNS)
    rows = connection.execute(
        "SELECT * FROM charges WHERE merchant_id = ? AND created_at LIKE ? ORDER BY id",
        (merchant_id, f"{month}-%"),
    )
    for row in rows:
        writer.writerow([row[column] for column in COLUMNS])
    return target
