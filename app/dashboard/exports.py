"""Exports for spreadsheets and scripts. A spreadsheet never runs what a finding says.

https://owasp.org/www-community/attacks/CSV_Injection
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from starlette.responses import Response, StreamingResponse

from app.dashboard.access import SECURITY_HEADERS
from app.dashboard.links import line_url, pull_request_url, thread_url
from app.store.dashboard.findings import FindingLine

Cell = str | int | float | None
# Spreadsheets run cells that start with these as formulas, some also with the full-width forms.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class _Line:
    """A file for `csv.writer` that holds the last line."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def safe_cell(value: Cell) -> Cell:
    """Return text that no spreadsheet takes for a formula, in valid UTF-8; figures stay."""
    if not isinstance(value, str):
        return value
    text = value.replace("\x00", "\ufffd").encode("utf-8", "backslashreplace").decode()
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def csv_lines(rows: Iterable[Mapping[str, Cell]], columns: Iterable[str]) -> Iterator[str]:
    """Yield the header and one line for each row, as RFC 4180 describes them."""
    line = _Line()
    names = list(columns)
    writer = csv.writer(line)
    writer.writerow(names)
    yield line.text
    for row in rows:
        writer.writerow([safe_cell(row[name]) for name in names])
        yield line.text


def json_lines(rows: Iterable[Mapping[str, Cell]]) -> Iterator[str]:
    """Yield a JSON array, one object for each row."""
    start = "[\n"
    for row in rows:
        yield start + json.dumps(row)
        start = ",\n"
    yield "[]\n" if start == "[\n" else "\n]\n"


def download(lines: Iterator[str], *, name: str) -> Response:
    """Return a file to be saved; `name` ends with `.csv` or `.json`."""
    media_type = "text/csv; charset=utf-8" if name.endswith(".csv") else "application/json"
    headers = {**SECURITY_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type=media_type, headers=headers)


FINDING_COLUMNS = (
    "id",
    "state",
    "severity",
    "rule_id",
    "cwe",
    "stage",
    "title",
    "repository",
    "pull_request",
    "path",
    "start_line",
    "end_line",
    "found_by",
    "confirmed_by",
    "placement",
    "first_found",
    "last_found",
    "decided_at",
    "reason",
    "pull_request_url",
    "line_url",
    "thread_url",
)


def finding_record(line: FindingLine, *, github_url: str) -> dict[str, Cell]:
    """Return a finding as one row of an export."""
    finding = line.finding
    return {
        "id": finding.id,
        "state": finding.outcome or "open",
        "severity": finding.severity,
        "rule_id": finding.rule_id,
        "cwe": finding.cwe,
        "stage": finding.stage,
        "title": finding.title,
        "repository": finding.repository,
        "pull_request": finding.pull_request,
        "path": finding.path,
        "start_line": finding.start_line,
        "end_line": finding.line,
        "found_by": " ".join(finding.found_by),
        "confirmed_by": " ".join(finding.confirmed_by),
        "placement": finding.placement,
        "first_found": line.first_found.isoformat(),
        "last_found": finding.created_at.isoformat(),
        "decided_at": _time(finding.decided_at),
        "reason": finding.reason,
        "pull_request_url": pull_request_url(github_url, finding),
        "line_url": line_url(github_url, finding, line.head_sha),
        "thread_url": thread_url(github_url, finding),
    }


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
