"""Gives a review's findings to GitHub's code scanning, where the operator wants it. A review never fails for it.

Code scanning takes a missing alert for a mended one: so every finding that stands is in the report, and a review of which a
stage failed uploads none.
"""

import logging
from collections.abc import Sequence
from importlib.metadata import version

from app.domain.finding import Finding
from app.domain.review import StageStatus
from app.errors import GitHubError
from app.jobs.publication import ReviewPublication
from app.publish.sarif import render_analysis

logger = logging.getLogger(__name__)


async def upload_analysis(publication: ReviewPublication, *, standing: Sequence[Finding]) -> str | None:
    """Upload what was found, and what of earlier findings is `standing`; None when done or not wanted, otherwise why not."""
    access, report = publication.access, publication.report
    upload = access.upload_sarif
    if upload is None or not publication.is_shown:
        return None
    if any(result.status is StageStatus.FAILED for result in report.stages):
        return "Code scanning got no report: a stage was not completed, and its alerts would look mended."

    async def write() -> int:
        redact = publication.services.redactor.redact
        sarif = render_analysis(report, standing, redact=redact, version=version("quorum-review"))
        await upload(publication.head_sha, sarif)
        return 1  # GitHub names it by a UUID that nothing asks for

    async def find() -> None:
        """A report of the same head takes the place of one that may have arrived."""

    try:
        await access.ledger.write_once("sarif", find=find, write=write)
    except GitHubError as error:
        logger.warning("code scanning got no report: %s", error)
        return f"Code scanning got no report: {error}"
    return None
