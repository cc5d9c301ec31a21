"""What the issues of a pull request ask for, and whether the change does it, as a table of the summary."""

from collections.abc import Sequence

from app.domain.finding import AcceptancePoint, AcceptanceStatus
from app.publish.blocks import code_span, table
from app.publish.markdown import clean_line
from app.publish.text import Redact

_STATUS = {
    AcceptanceStatus.MET: "✅ met",
    AcceptanceStatus.NOT_MET: "❌ not met",
    AcceptanceStatus.UNKNOWN: "❔ cannot tell",
}


def render_acceptance(points: Sequence[AcceptancePoint], *, redact: Redact) -> str:
    """One row for each point; empty for none."""
    if not points:
        return ""
    rows: list[tuple[str, ...]] = [
        (
            f"#{each.issue}",
            clean_line(each.point, redact=redact, max_characters=300),
            _STATUS[each.status],
            _place(each),
        )
        for each in points
    ]
    return table(("Issue", "Asks for", "Status", "Location"), rows)


def is_decided(points: Sequence[AcceptancePoint]) -> bool:
    """Whether a point is met or not met."""
    return any(each.status is not AcceptanceStatus.UNKNOWN for each in points)


def _place(point: AcceptancePoint) -> str:
    if not point.path:
        return ""
    return code_span(f"{point.path}:{point.line}" if point.line else point.path)
