"""The hidden last line of every body Quorum writes: what it is and what it is about. Values only, no I/O.

A body's marker is its last line and nothing else: what a stranger's code or words hold further up is no marker.
Only comments of the own App are read for one.
"""

import re
from enum import StrEnum

MARKER_PREFIX = "<!-- quorum:"
_KEY = re.compile(r"[\w./#@:+-]{1,300}")
_LAST_LINE = re.compile(r"<!-- quorum:(?P<kind>[a-z]+):(?P<key>[\w./#@:+-]+) -->\s*\Z")


class MarkerKind(StrEnum):
    """What a body is."""

    REVIEW = "review"
    FINDING = "finding"
    FILE = "file"
    SUMMARY = "summary"
    REPLY = "reply"


def marker(kind: MarkerKind, key: str) -> str:
    """The marker of a body, e.g. `<!-- quorum:finding:3f2a… -->`; raises ValueError for a key that cannot be hidden."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a marker's key: {key!r}")
    return f"{MARKER_PREFIX}{kind}:{key} -->"


def parse_marker(body: str) -> tuple[MarkerKind, str] | None:
    """Kind and key from a body's last line; None where it has no marker."""
    found = _LAST_LINE.search(body)
    if not found or found["kind"] not in list(MarkerKind):
        return None
    return MarkerKind(found["kind"]), found["key"]
