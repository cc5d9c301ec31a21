"""Hands a SARIF report to GitHub's code scanning. One request; never retries, never reads alerts.

https://docs.github.com/en/rest/code-scanning/code-scanning#upload-an-analysis-as-sarif-data
"""

import base64
import gzip
from collections.abc import Mapping
from typing import Any

from app.domain.pull_request import PullRequestRef
from app.errors import GitHubRejected
from app.github.client import RepositoryClient

# Not among those that every App is registered with: see docs/install.md.
CODE_SCANNING_PERMISSIONS: Mapping[str, str] = {"metadata": "read", "security_events": "write"}
# https://docs.github.com/en/code-security/code-scanning/troubleshooting-sarif-uploads/file-too-large
MAX_BYTES = 10_000_000  # compressed
TOOL = "Quorum"


class CodeScanning:
    """Code scanning of a pull request of `client`'s repository."""

    def __init__(self, client: RepositoryClient, ref: PullRequestRef) -> None:
        self._client = client
        self._ref = ref

    async def upload(self, head_sha: str, sarif: str) -> None:
        """Take `sarif` for the analysis of this head; a later one of the same head takes its place.

        Raises:
            GitHubForbidden: the permission was not granted, or code scanning is off for this repository.
            GitHubRejected: it is too large.
            GitHubError: it was not taken.
        """
        packed = gzip.compress(sarif.encode(), mtime=0)
        if len(packed) > MAX_BYTES:
            raise GitHubRejected(f"The report for code scanning is over {MAX_BYTES} bytes.")
        body: Any = {
            "commit_sha": head_sha,
            "ref": f"refs/pull/{self._ref.number}/head",
            "sarif": base64.b64encode(packed).decode(),
            "tool_name": TOOL,
        }
        asked = self._client.rest.code_scanning.async_upload_sarif(
            self._client.owner, self._client.repo, data=body
        )
        await self._client.send(asked, to="take the report for code scanning")
