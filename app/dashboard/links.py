"""Addresses on GitHub of what a finding is about."""

from urllib.parse import quote

from app.domain.diff import Side
from app.store.review_tables import FindingRow


def pull_request_url(github_url: str, finding: FindingRow) -> str:
    """Return the address of the finding's pull request."""
    return f"{github_url}/{quote(finding.repository)}/pull/{finding.pull_request}"


def thread_url(github_url: str, finding: FindingRow) -> str | None:
    """Return the address of the finding's review thread; None if it has none, or none is known yet."""
    if finding.comment_id is None:
        return None
    return f"{pull_request_url(github_url, finding)}#discussion_r{finding.comment_id}"


def line_url(github_url: str, finding: FindingRow, head_sha: str | None) -> str | None:
    """Return the address of the lines at the reviewed head; None if they are not there, as removed lines are not."""
    if head_sha is None or finding.side != Side.RIGHT:
        return None
    path = quote(finding.path, errors="surrogateescape")
    lines = f"L{finding.start_line}" + (f"-L{finding.line}" if finding.line != finding.start_line else "")
    return f"{github_url}/{quote(finding.repository)}/blob/{head_sha}/{path}#{lines}"
