"""The report as one Markdown document, for `--format markdown`: the summary, with every finding in full."""

from dataclasses import replace

from app.domain.finding import Placement
from app.domain.review import ReviewReport
from app.publish.markdown import Redact
from app.publish.summary import summary_blocks


def render_markdown(report: ReviewReport, *, redact: Redact) -> str:
    """The whole report; nothing is cut, and nothing is shown elsewhere."""
    placed = tuple(replace(finding, placement=Placement.SUMMARY) for finding in report.findings)
    blocks = summary_blocks(replace(report, findings=placed), redact=redact)
    text = redact("\n\n".join(block.markdown for block in blocks if block.markdown.strip()))
    return text.encode("utf-8", "backslashreplace").decode() + "\n"
