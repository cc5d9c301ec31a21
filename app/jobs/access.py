"""The dependencies of all handlers: access to GitHub, the database, the services, and permission checks."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from app.domain.analysis import AdvisoryLookup
from app.domain.fix import FixWriter, HeadFiles
from app.domain.job import Delivery, Job, MergeGroupJob
from app.domain.notification import Notify
from app.domain.publication import RequiredChecks, ThreadWriter, WriteLedger, Writer
from app.domain.pull_request import PullRequestRef, Source
from app.domain.review import Watch
from app.errors import GitHubError, GitHubForbidden, GitHubNotFound, GitHubRejected
from app.pipeline.inputs import Services
from app.store.database import Database

logger = logging.getLogger(__name__)

MAY_COMMAND = frozenset({"admin", "write"})  # the endpoint reports `maintain` as write
PERMISSION_TTL = timedelta(minutes=5)
ORGANIZATION_FILE_TTL = timedelta(minutes=10)
MAX_CACHED = 10_000


class SarifUploader(Protocol):
    """Code scanning of one repository."""

    async def upload(self, head_sha: str, sarif: str) -> None:
        """Upload a report on the head; raises `GitHubError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestAccess:
    """Access to one pull request on GitHub: reads, writes, and the ledger."""

    source: Source
    writer: ThreadWriter
    ledger: WriteLedger
    lacking: Callable[[], Mapping[str, str]] = dict[
        str, str
    ]  # permissions that were not granted; known after the first read
    lookup_advisories: AdvisoryLookup | None = None  # None: no lookup, and the report says so
    code_scanning: SarifUploader | None = None  # None: reports are not uploaded to code scanning
    fixes: FixWriter | None = None  # None: fixes are only shown
    open_head: Callable[[str], HeadFiles] | None = None  # the files of a commit, which the snapshot has read


class GitHubAccess(Protocol):
    """GitHub, with the permissions of the App's installations."""

    def open_pull_request(
        self, ref: PullRequestRef, *, installation_id: int, ledger: str
    ) -> PullRequestAccess:
        """Open a pull request; `ledger` names the job, which makes each write at most once."""
        ...

    async def merge_group_commits(self, job: MergeGroupJob) -> Sequence[str] | None:
        """Return the commits that the group adds to its base branch; None if there are more than GitHub lists."""
        ...

    async def required_checks(self, installation_id: int, repository: str, branch: str) -> RequiredChecks:
        """Return the names of the checks that the branch requires; raises `GitHubError` only if trying again may help."""
        ...

    async def repository_file(
        self, installation_id: int, repository: str, path: str, *, branch: str | None
    ) -> bytes | None:
        """Return a file of a branch, or of the default branch, if it exists; raises `GitHubError`."""
        ...

    async def organization_file(self, installation_id: int, owner: str) -> bytes | None:
        """Return `quorum.yml` of the owner's `.github` repository, if it exists; raises `GitHubError`."""
        ...


class FollowUpQueue(Protocol):
    """Accepts the jobs that other jobs create."""

    async def follow_up(self, delivery: Delivery, job: Job) -> object:
        """Store a job; does nothing if the delivery is already stored."""
        ...


# There is no such repository, or the App is not installed on it: both are usual.
_NO_SUCH_FILE = (GitHubNotFound, GitHubForbidden, GitHubRejected)


class OrganizationDefaults:
    """The organizations' default configurations, cached. A file that cannot be read never delays a review."""

    def __init__(self, github: GitHubAccess, *, clock: Callable[[], datetime]) -> None:
        self._github = github
        self._clock = clock
        self._cached: dict[tuple[int, str], tuple[datetime, bytes | None]] = {}

    async def load(self, installation_id: int, owner: str) -> bytes | None:
        """Return the file's content, at most ten minutes old; None if there is none."""
        key, now = (installation_id, owner.lower()), self._clock()
        cached = self._cached.get(key)
        if cached is not None and now - cached[0] < ORGANIZATION_FILE_TTL:
            return cached[1]
        try:
            content = await self._github.organization_file(installation_id, owner)
        except GitHubError as error:
            if not isinstance(error, _NO_SUCH_FILE):
                logger.info("cannot read the organization default of %s: %s", owner, error)
            content = cached[1] if cached else None
        if len(self._cached) >= MAX_CACHED:
            self._cached.clear()
        self._cached[key] = (now, content)
        return content


class Permissions:
    """Checks who may give commands: people with write access. Caches grants for five minutes, and never denials."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._granted: dict[tuple[str, str], datetime] = {}

    async def may_command(self, writer: Writer, repository: str, login: str) -> bool:
        """Whether this person has write access to the repository."""
        key, now = (repository, login), self._clock()
        granted_at = self._granted.get(key)
        if granted_at is not None and now - granted_at < PERMISSION_TTL:
            return True
        is_granted = await writer.permission(login) in MAY_COMMAND
        self._granted.pop(key, None)
        if is_granted:
            if len(self._granted) >= MAX_CACHED:
                self._granted.clear()
            self._granted[key] = now
        return is_granted

    async def may_still_command(self, writer: Writer, repository: str, login: str) -> bool:
        """Whether this person has write access now, whatever was cached."""
        self._granted.pop((repository, login), None)
        return await self.may_command(writer, repository, login)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnvironment:
    """The environment of every handler."""

    services: Services
    database: Database
    github: GitHubAccess
    organization_defaults: OrganizationDefaults
    clock: Callable[[], datetime]
    watch: Watch
    notify: Notify
    web_url: str  # GitHub's
    public_url: str | None  # the dashboard's

    def open(self, ref: PullRequestRef, *, installation_id: int, ledger: str) -> PullRequestAccess:
        """Open a pull request; `ledger` names the job, which makes each write at most once."""
        return self.github.open_pull_request(ref, installation_id=installation_id, ledger=ledger)

    def redact(self, text: str) -> str:
        """Remove secrets from text."""
        return self.services.redactor.redact(text)

    def details_url(self, review_id: str) -> str | None:
        """Return the address of a review's page; None without a public dashboard."""
        return f"{self.public_url}/reviews/{review_id}" if self.public_url else None
