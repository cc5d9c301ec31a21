"""The buttons of a check run; GitHub shows at most three. `app.jobs.check_actions` handles them."""

from collections.abc import Iterator, Sequence

from app.domain.configuration import Fixes, RepositoryConfig
from app.domain.finding import Finding, Severity
from app.domain.publication import CheckAction

REREVIEW = CheckAction(
    label="Review again", description="Rerun all stages on the newest commit", identifier="rereview"
)
DISMISS_LOW = CheckAction(
    label="Dismiss all low", description="Dismiss findings of low severity", identifier="dismiss_low"
)
FIX_ALL = CheckAction(label="Fix all", description="Fix open findings, or show patches", identifier="fix_all")


def buttons_of(findings: Sequence[Finding], config: RepositoryConfig) -> Iterator[CheckAction]:
    """The buttons of a completed check run with these findings."""
    yield REREVIEW
    if any(finding.severity.rank >= Severity.LOW.rank for finding in findings):
        yield DISMISS_LOW
    if findings and config.fixes is not Fixes.OFF:
        yield FIX_ALL
