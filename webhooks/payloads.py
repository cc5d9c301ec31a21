"""The few fields of GitHub's payloads that decide what is done; everything else is ignored. Decides nothing.

What passes here fits the database and our own names: ids have 64 bits, heads are hexadecimal, names are GitHub's.
https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Id = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
Number = Annotated[int, Field(strict=True, ge=1, lt=2**31)]
Sha = Annotated[str, Field(pattern=r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
FullName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$")]
Login = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\[\]-]{1,100}$")]
Ref = Annotated[str, Field(max_length=1_000)]
Word = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]


class Payload(BaseModel):
    """Base of the narrow models: what is not named is not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class User(Payload):
    """Who did it; `type` is "User", "Bot", "Organization", …"""

    login: Login
    id: Id
    type: str = "User"


class InstallationRef(Payload):
    """Which installation a delivery belongs to; hooks of a repository, not of the App, have none."""

    id: Id


class Repository(Payload):
    """`full_name` is `owner/repo`."""

    full_name: FullName


class Head(Payload):
    """The head of a pull request."""

    sha: Sha


class Base(Payload):
    """The base of a pull request."""

    ref: Ref


class PullRequest(Payload):
    """A pull request, as far as the receiver cares."""

    number: Number
    state: str = "open"
    merged: bool | None = None
    head: Head
    base: Base


class RepositoryEvent(Payload):
    """What all deliveries about a repository have."""

    action: Word
    repository: Repository
    sender: User
    installation: InstallationRef | None = None


class Changes(Payload):
    """What an `edited` delivery changed; only a new base matters."""

    base: dict[str, object] | None = None


class PullRequestEvent(RepositoryEvent):
    """`pull_request`; `before` is there with `synchronize`."""

    pull_request: PullRequest
    before: Sha | None = None
    changes: Changes = Changes()


class Issue(Payload):
    """An issue, or a pull request where `pull_request` is there."""

    number: Number
    pull_request: dict[str, object] | None = None


class Comment(Payload):
    """A comment; `user` is null where the account is gone."""

    id: Id
    body: str = Field(max_length=262_144)
    user: User | None
    in_reply_to_id: Id | None = None


class IssueCommentEvent(RepositoryEvent):
    """`issue_comment`: the conversation of an issue or a pull request."""

    issue: Issue
    comment: Comment


class ReviewedPullRequest(Payload):
    """The pull request of a review comment."""

    number: Number
    head: Head


class ReviewCommentEvent(RepositoryEvent):
    """`pull_request_review_comment`: a thread on a line."""

    pull_request: ReviewedPullRequest
    comment: Comment


class App(Payload):
    """The App that made something."""

    id: Id


class CheckRun(Payload):
    """A check run; `external_id` is what its maker wrote there."""

    id: Id
    app: App | None = None
    name: str = Field(max_length=1_000)
    head_sha: Sha
    external_id: str | None = Field(default=None, max_length=1_000)


class RequestedAction(Payload):
    """The button that was pressed."""

    identifier: str = Field(max_length=20)


class CheckRunEvent(RepositoryEvent):
    """`check_run`."""

    check_run: CheckRun
    requested_action: RequestedAction | None = None


class NumberedPullRequest(Payload):
    """A pull request by its number."""

    number: Number


class CheckSuite(Payload):
    """A check suite; `pull_requests` is empty for forks."""

    id: Id
    head_sha: Sha
    pull_requests: tuple[NumberedPullRequest, ...] = ()


class CheckSuiteEvent(RepositoryEvent):
    """`check_suite`."""

    check_suite: CheckSuite


class MergeGroup(Payload):
    """What the merge queue wants to merge."""

    head_sha: Sha
    head_ref: Ref
    base_ref: Ref


class MergeGroupEvent(RepositoryEvent):
    """`merge_group`."""

    merge_group: MergeGroup


class Installation(Payload):
    """An installation; `permissions` maps a permission to read or write."""

    id: Id
    account: User
    permissions: dict[str, str] = {}


class InstallationEvent(Payload):
    """`installation`."""

    action: Word
    installation: Installation


class InstallationRepositoriesEvent(Payload):
    """`installation_repositories`."""

    action: Literal["added", "removed"]
    installation: Installation
    repositories_added: tuple[Repository, ...] = ()
    repositories_removed: tuple[Repository, ...] = ()


class NameChange(Payload):
    """The old name, without its owner."""

    from_: str = Field(alias="from", max_length=100)


class RepositoryNameChange(Payload):
    """GitHub wraps the old name once more."""

    name: NameChange


class FormerOwner(Payload):
    """The account that had the repository: a person or an organisation."""

    user: User | None = None
    organization: User | None = None


class OwnerChange(Payload):
    """Who had the repository before."""

    from_: FormerOwner = Field(alias="from")


class RepositoryChanges(Payload):
    """What `repository.renamed` and `repository.transferred` changed."""

    repository: RepositoryNameChange | None = None
    owner: OwnerChange | None = None


class RepositoryChangedEvent(RepositoryEvent):
    """`repository`: renamed, transferred, …"""

    changes: RepositoryChanges = RepositoryChanges()
