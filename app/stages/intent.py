"""Renders what the issues of a pull request ask for, in a fence, and what review and docs do with it.

Issue texts bias a model like a description, so the security stage never sees them.
"""

from collections.abc import Sequence

from app.domain.pull_request import LinkedIssue
from app.prompting.prompts import fence_json

MAX_ISSUES = 5
MAX_ISSUE_CHARACTERS = 3_000

_MISMATCH = (
    "If the code clearly does not do what an issue that it `closes` asks for, or does it differently, that is a defect, "
    "`intent-mismatch`: quote the line that should do it, and name the issue. What the diff does not show is not missing."
)
_ACCEPTANCE = (
    "- `acceptance`: one row for each thing that an issue that it `closes` asks for, at most 10: `issue` its number; `point` "
    "the thing in at most 20 words; `path` and `line` of the code in the diff that decides, or null; `status`: `met` or "
    "`not met` by the code alone, `cannot tell` if the diff does not decide."
)


def render_issues(issues: Sequence[LinkedIssue], secret: bytes) -> str:
    """Render the issues after redaction; empty for none."""
    if not issues:
        return ""
    rows = [
        {
            "number": each.number,
            "closes": each.closes,
            "title": each.title[:300],
            "body": each.body[:MAX_ISSUE_CHARACTERS],
        }
        for each in issues[:MAX_ISSUES]
    ]
    return f"The issues that it closes or names:\n{fence_json('issues', rows, secret)}"


def for_review(issues: Sequence[LinkedIssue], secret: bytes) -> str:
    """Render the issues and ask for defects against them."""
    return _joined(render_issues(issues, secret), _MISMATCH)


def for_docs(issues: Sequence[LinkedIssue], secret: bytes) -> str:
    """Render the issues and ask which of their points the change meets."""
    return _joined(render_issues(issues, secret), _ACCEPTANCE)


def _joined(issues: str, task: str) -> str:
    return f"\n{issues}\n{task}" if issues else ""
