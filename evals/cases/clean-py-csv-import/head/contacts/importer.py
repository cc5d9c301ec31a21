import csv
from dataclasses import dataclass, field
from pathlib import Path

REQUIRED = ("name", "email")


class InvalidFile(ValueError):
    """The file is not a list of contacts."""


@dataclass
class ImportResult:
    """How many contacts were added, and what was wrong in which line."""

    added: int = 0
    problems: list[str] = field(default_factory=list)


def import_contacts(path: Path, store) -> ImportResult:
    """Add the contacts of a CSV file; rows that are incomplete are skipped and reported."""
    result = ImportResult()
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
        if missing:
            raise InvalidFile(f"missing columns: {', '.join(missing)}")
        for row in reader:
            problem = _problem(row)
            if problem:
                result.problems.append(f"line {reader.line_num}: {problem}")
                continue
            store.add(name=row["name"].strip(), email=row["email"].strip())
            result.added += 1
    return result


def _problem(row: dict[str, str | None]) -> str | None:
    for name in REQUIRED:
        if not (row[name] or "").strip():
            return f"no {name}"
    if "@" not in (row["email"] or ""):
        return "not an address"
    return None
