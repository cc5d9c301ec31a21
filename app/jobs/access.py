"""What a handler needs to access one pull request on GitHub."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from app.domain.analysis import AdvisoryLookup
from app.domain.publication import ThreadWriter, WriteLedger
from app.domain.pull_request import PullRequestRef, Source

UploadSarif = Callable[[str, str], Awaitable[None]]
"""Uploads SARIF for a head to code scanning; raises `GitHubError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestAccess:
    """Reads and writes one pull request on GitHub; the ledger makes writes happen once."""

    source: Source
    writer: ThreadWriter
    ledger: WriteLedger
    lacking: Callable[[], Mapping[str, str]] = dict[
        str, str
    ]  # missing permissions; known after the first read
    lookup_advisories: AdvisoryLookup | None = None  # None: no lookup, and the report says so
    upload_sarif: UploadSarif | None = None  # None: no upload to code scanning


class OpenPullRequest(Protocol):
    """Opens a pull request; `ledger` names the job within which each write happens once."""

    def __call__(self, ref: PullRequestRef, *, installation_id: int, ledger: str) -> PullRequestAccess:
        """Access to one pull request."""
        ...


OrganisationDefault = Callable[[int, str], Awaitable[bytes | None]]
"""The organization's `quorum.yml` for an installation and an owner; None if there is none."""


async def no_organisation_default(installation_id: int, owner: str) -> bytes | None:
    """An `OrganisationDefault` for callers without an organization."""
    del installation_id, owner
    return None
