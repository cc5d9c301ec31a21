"""A tool's report before it becomes a finding, and the rule files with the texts of those reports.

The rule files are Quorum's own; this module reads nothing of a pull request.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from app.domain.finding import Severity

# libyaml is ten times faster. It crashes on hostile nesting, but these files are trusted.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One tool's report on some lines of one file, before it is known whether the change introduced it."""

    path: str
    start_line: int
    end_line: int
    rule_id: str
    severity: Severity
    title: str
    explanation: str
    tool: str
    suggestion: str | None = None  # replaces the lines verbatim


@cache
def load_rule_file(name: str) -> Any:  # noqa: ANN401 - each file has its own format, checked by its reader
    """The content of `rules/<name>.yml`."""
    text = (Path(__file__).parent / "rules" / f"{name}.yml").read_text(encoding="utf-8")
    return yaml.load(text, _Loader)  # noqa: S506 - a safe loader, see above
