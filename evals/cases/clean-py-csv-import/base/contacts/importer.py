import csv
from pathlib import Path


def import_contacts(path: Path, store) -> int:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        store.add(name=row["name"], email=row["email"])
    return len(rows)
