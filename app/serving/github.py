"""Creates GitHub clients from the settings: for the App, sign-in, pull requests, and files. Sends no requests itself."""

from collections.abc import Callable
from dataclasses import dataclass

from app.domain.analysis import AdvisoryLookup
from app.domain.job import MergeGroupJob
from app.domain.publication import RequiredChecks
from app.domain.pull_request import PullRequestRef
from app.errors import ConfigurationError
from app.gather.configuration import CONFIGURATION_PATH
from app.github.addresses import git_url
from app.github.app import GitHubApp
from app.github.auth import FILE_PERMISSIONS
from app.github.branch_rules import fetch_required_checks
from app.github.changed_files import fetch_merge_group_commits
from app.github.client import token_client
from app.github.contents import fetch_file
from app.github.fix_branch import FixBranch
from app.github.git_objects import GitCache
from app.github.people import GitHubPeople
from app.github.reader import PullRequestSource
from app.github.security import CODE_SCANNING_PERMISSIONS, CodeScanning, fetch_database_advisories
from app.github.tree_paths import CommitTree, RemoteHead
from app.github.writer import PullRequestWriter
from app.jobs.access import PullRequestAccess
from app.main import Network
from app.settings import Settings
from app.store.database import Database
from app.store.ledger import Ledger

ADVISORIES = "github/advisory-database"  # a client wants a repository's name; the database is public


def open_github(settings: Settings, network: Network, *, processes: Callable[[], int]) -> GitHubApp:
    """Create the App's client.

    Raises:
        ConfigurationError: the App's id or key is missing.
    """
    key = settings.private_key()
    if not settings.github_app_id or not key:
        raise ConfigurationError(
            "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY_PATH are not set: run `quorum setup` to register the App."
        )
    return GitHubApp(
        settings.github_app_id,
        key,
        settings.github_api_url,
        transport=network.github,
        clock=network.github_clock,
        sleep=network.sleep_github,
        processes=processes,
    )


def open_people(settings: Settings, network: Network) -> GitHubPeople | None:
    """Create the client that signs people in; None if the App's client id or secret is not set."""
    if not settings.github_client_id or not settings.github_client_secret:
        return None
    return GitHubPeople(
        settings.github_client_id,
        settings.github_client_secret.get_secret_value(),
        settings.github_api_url,
        transport=network.github,
    )


def advisory_lookup(settings: Settings, network: Network) -> AdvisoryLookup | None:
    """Look up packages in GitHub's advisory database; None without a token in the operator's environment."""
    if settings.github_token is None:
        return None
    token = settings.github_token.get_secret_value()
    client = token_client(token, ADVISORIES, settings.github_api_url, transport=network.github)
    return lambda packages: fetch_database_advisories(client, packages)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationAccess:
    """Access to GitHub for the handlers (`app.jobs.access.GitHubAccess`).

    `executor_id` signs the ledger, so a process that lost its lease writes nothing.
    """

    github: GitHubApp
    settings: Settings
    database: Database
    git_cache: GitCache
    executor_id: str

    def open_pull_request(
        self, ref: PullRequestRef, *, installation_id: int, ledger: str
    ) -> PullRequestAccess:
        """Open a pull request; `ledger` names the job, which makes each write at most once."""
        client = self.github.installation(installation_id, ref.repository)
        git = self.git_cache.repository(
            git_url(self.settings.github_api_url, ref.repository),
            installation_id=installation_id,
            credential=client,
        )
        source = PullRequestSource(client, ref, git=git)
        return PullRequestAccess(
            source=source,
            writer=PullRequestWriter(client, ref),
            ledger=Ledger(self.database, ledger, executor_id=self.executor_id),
            lacking=lambda: client.lacking,
            lookup_advisories=source.look_up_advisories,
            fixes=FixBranch(client),
            open_head=lambda commit: RemoteHead(source=source, tree=CommitTree(client, commit)),
            code_scanning=self._code_scanning(ref, installation_id),
        )

    def _code_scanning(self, ref: PullRequestRef, installation_id: int) -> CodeScanning | None:
        if not self.settings.quorum_code_scanning:
            return None
        client = self.github.installation(
            installation_id, ref.repository, permissions=CODE_SCANNING_PERMISSIONS
        )
        return CodeScanning(client, ref)

    async def merge_group_commits(self, job: MergeGroupJob) -> list[str] | None:
        """Return the commits that the group adds to its base branch; None if there are more than GitHub lists."""
        client = self.github.installation(job.installation_id, job.repository)
        return await fetch_merge_group_commits(client, base_ref=job.base_ref, head_sha=job.head_sha)

    async def required_checks(self, installation_id: int, repository: str, branch: str) -> RequiredChecks:
        """Return the names of the checks that the branch requires."""
        client = self.github.installation(installation_id, repository)
        return await fetch_required_checks(client, branch, app_id=self.github.app_id)

    async def repository_file(
        self, installation_id: int, repository: str, path: str, *, branch: str | None
    ) -> bytes | None:
        """Return a file of a branch, or of the default branch, if it exists."""
        return await fetch_file(self.github.installation(installation_id, repository), path, commit=branch)

    async def organization_file(self, installation_id: int, owner: str) -> bytes | None:
        """Return `quorum.yml` of the owner's `.github` repository, with permission to read files only.

        None if there is no such repository or the App is not installed on it.
        """
        repository = f"{owner}/.github"
        if not await self.github.has_installed(installation_id, repository):
            return None
        client = self.github.installation(installation_id, repository, permissions=FILE_PERMISSIONS)
        return await fetch_file(client, CONFIGURATION_PATH)
