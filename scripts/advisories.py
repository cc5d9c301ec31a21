"""Make `app/data/advisories.json.gz`, the advisories that a review uses if no advisory service answers.

    python scripts/advisories.py                                      # only the selection of scripts/advisories.toml
    python scripts/advisories.py --osv advisory-database --complete pip npm go rust --license CC-BY-4.0

`--osv` names folders with records in the OSV format, such as checkouts of GitHub's or PyPA's advisory database (both
CC-BY-4.0). `--complete` names the ecosystems that they cover completely, so that a missing record means "not affected".
The script reads only files, and the same input always gives the same bytes. https://ossf.github.io/osv-schema/
"""

import argparse
import gzip
import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

SELECTION = Path(__file__).with_name("advisories.toml")
TARGET = Path(__file__).parents[1] / "app" / "data" / "advisories.json.gz"
ECOSYSTEMS = {"PyPI": "pip", "npm": "npm", "Go": "go", "crates.io": "rust"}
SEVERITIES = {"CRITICAL": "critical", "HIGH": "high", "MODERATE": "medium", "MEDIUM": "medium", "LOW": "low"}
MAX_SUMMARY = 160

Row = list[Any]  # ecosystem, package, id, severity, summary, spans of introduced, fixed, last


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the selection and the folders, write the file and print a summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--osv", nargs="*", type=Path, default=[])
    parser.add_argument("--complete", nargs="*", default=[], choices=sorted(ECOSYSTEMS.values()))
    parser.add_argument("--license", default="")
    parser.add_argument("--out", type=Path, default=TARGET)
    options = parser.parse_args(arguments)
    content = build(options.osv, complete=options.complete, license_name=options.license)
    options.out.write_bytes(packed(content))
    sys.stdout.write(
        f"{options.out}: {len(content['advisories'])} advisories, {options.out.stat().st_size} bytes\n"
    )


def build(folders: Sequence[Path], *, complete: Sequence[str] = (), license_name: str = "") -> dict[str, Any]:
    """The content of the file: the selection, or the records of the folders instead."""
    selection = tomllib.loads(SELECTION.read_text(encoding="utf-8"))
    rows = [_selected(entry) for entry in selection["advisories"]]
    date, terms = selection["date"], selection["licence"]
    if folders:
        rows = _each_once(record for folder in folders for record in _records(folder))
        date, terms = datetime.now(UTC).date().isoformat(), license_name
    return {
        "date": date,
        "licence": terms,
        "complete": sorted(complete),
        "advisories": rows,
    }


def packed(content: dict[str, Any]) -> bytes:
    """The content, compressed without a timestamp, so that the same content has the same bytes."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def rows_of(record: dict[str, Any]) -> Iterator[Row]:
    """A row for each package of a record in a supported ecosystem; none if the record was withdrawn."""
    if record.get("withdrawn"):
        return
    severity = str(record.get("database_specific", {}).get("severity", "")).upper()
    summary = str(record.get("summary") or record.get("details") or "").strip().split("\n")[0][:MAX_SUMMARY]
    for affected in record.get("affected", ()):
        package = affected.get("package", {})
        ecosystem = ECOSYSTEMS.get(package.get("ecosystem", ""))
        spans = [span for each in affected.get("ranges", ()) for span in _spans(each)]
        if ecosystem and spans:
            yield [
                ecosystem,
                package["name"],
                record["id"],
                SEVERITIES.get(severity, "medium"),
                summary,
                spans,
            ]


def _spans(versions: dict[str, Any]) -> Iterator[list[str | None]]:
    """`introduced … fixed` or `introduced … last_affected`, from the events of a range; none for a range of commits."""
    if versions.get("type") == "GIT":
        return
    introduced: str | None = None
    for event in versions.get("events", ()):
        if "introduced" in event:
            introduced = str(event["introduced"])
        elif introduced is not None and ("fixed" in event or "last_affected" in event):
            yield [introduced, _text(event.get("fixed")), _text(event.get("last_affected"))]
            introduced = None
    if introduced is not None:
        yield [introduced, None, None]


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _records(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".json":
            yield json.loads(path.read_bytes())
        elif path.suffix in (".yaml", ".yml"):
            yield yaml.safe_load(path.read_bytes())


def _each_once(records: Iterable[dict[str, Any]]) -> list[Row]:
    """One row for each vulnerability of a package: databases use different names for it and list the others as aliases."""
    rows: list[Row] = []
    seen: set[tuple[str, str, str]] = set()
    for record in sorted(
        records, key=lambda each: (not str(each.get("id", "")).startswith("GHSA-"), str(each.get("id")))
    ):
        names = {str(record.get("id")), *map(str, record.get("aliases") or ())}
        for row in rows_of(record):
            keys = {(row[0], row[1], name) for name in names}
            if not keys & seen:
                rows.append(row)
            seen |= keys
    return rows


def _selected(entry: dict[str, Any]) -> Row:
    """The row of an entry of the selection; the entry's source is only for readers of the selection."""
    spans = [[span["introduced"], span["fixed"], None] for span in entry["versions"]]
    return [entry[key] for key in ("ecosystem", "package", "id", "severity", "summary")] + [spans]


if __name__ == "__main__":
    main()
