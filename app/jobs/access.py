"""What a handler needs of one pull request on GitHub, and how it gets it. Decides nothing."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from app.domain.analysis import AdvisoryLookup
from app.domain.publication import ThreadWriter, WriteLedger
from app.domain.pull_request import PullRequestRef, Source

UploadSarif = Callable[[str, str], Awaitable[None]]
"""Hands (head sha, SARIF) to code scanning; raises `GitHubError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestAccess:
    """One pull request on GitHub: to read, to write, and to write once."""

    source: Source
    writer: ThreadWriter
    ledger: WriteLedger
    lacking: Callable[[], Mapping[str, str]] = dict[
        str, str
    ]  # permissions that were not granted; known once it has read
    lookup_advisories: AdvisoryLookup | None = None  # None: nobody is asked, and the report says so
    upload_sarif: UploadSarif | None = None  # None: code scanning gets nothing


class OpenPullRequest(Protocol):
    """Gives access; `ledger` names the job, within which each write is done once."""

    def __call__(self, ref: PullRequestRef, *, installation_id: int, ledger: str) -> PullRequestAccess:
        """Access to one pull request."""
        ...


OrganisationDefault = Callable[[int, str], Awaitable[bytes | None]]
"""The organisation's `quorum.yml` for an installation and an owner; None: there is none."""


async def no_organisation_default(installation_id: int, owner: str) -> bytes | None:
    """Return no default: this caller knows of no organization."""
    del installation_id, owner
    return None
