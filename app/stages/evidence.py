"""Renders checks of other Apps that failed on the head, in a fence, and says what a finder does with them.

Annotations are written by programs that run code of the pull request. They are evidence of nothing by themselves, and the
security stage never sees them.
"""

import json
from collections.abc import Sequence
from dataclasses import replace

from app.domain.finding import Finding
from app.domain.pull_request import CheckNote, FailedCheck
from app.prompting.prompts import fence, visible

MAX_TOKENS = 3_000
CHARACTERS_PER_TOKEN = 3.0  # of any text, so that the limit holds
MAX_NAME_CHARACTERS = 100
MAX_MESSAGE_CHARACTERS = 600
MAX_PATH_CHARACTERS = 300

_TASK = (
    "A failed check may be wrong, or have nothing to do with this change; it is no finding by itself. If a finding of yours is "
    "why one fails, put the check's `name` into `explains_check`, else null."
)


def shown_name(check: FailedCheck) -> str:
    """The check's name as models see it."""
    return check.name[:MAX_NAME_CHARACTERS]


def render_checks(checks: Sequence[FailedCheck], secret: bytes) -> str:
    """Render the checks after redaction, within the limit; empty for none."""
    if not checks:
        return ""
    left = round(MAX_TOKENS * CHARACTERS_PER_TOKEN)
    rows: list[str] = []
    for row in map(visible, _rows(checks)):
        left -= len(row) + 1
        if left < 0:
            rows.append("…")
            break
        rows.append(row)
    shown = fence("failed_checks", "\n".join(rows), secret)
    return f"\nChecks of other programs that failed on this head:\n{shown}\n{_TASK}"


def with_known_check(finding: Finding, checks: Sequence[FailedCheck]) -> Finding:
    """The finding, which explains a check only if that check was shown."""
    known = finding.explains_check in map(shown_name, checks)
    return finding if known else replace(finding, explains_check="")


def _rows(checks: Sequence[FailedCheck]) -> list[str]:
    """Every check's name first, then the annotations of all."""
    names = [
        json.dumps(
            {"name": shown_name(each), "title": each.title[:MAX_MESSAGE_CHARACTERS]}, ensure_ascii=False
        )
        for each in checks
    ]
    return names + [_row(each, note) for each in checks for note in each.notes]


def _row(check: FailedCheck, note: CheckNote) -> str:
    said = "\n".join(filter(None, [note.title, note.message]))
    row: dict[str, object] = {
        "check": shown_name(check),
        "path": note.path[:MAX_PATH_CHARACTERS],
        "line": note.line,
        "level": note.level,
        "says": said[:MAX_MESSAGE_CHARACTERS],
    }
    return json.dumps(row, ensure_ascii=False)
