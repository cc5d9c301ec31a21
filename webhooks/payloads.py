"""The fields of GitHub's payloads that decisions depend on; all others are ignored. Decides nothing.

Values that pass fit the database: ids have 64 bits, heads are hexadecimal, names have GitHub's characters.
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
    """Base of the models: fields that are not named are not read."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class UserPayload(Payload):
    """An account; `type` is "User", "Bot", "Organization", …"""

    login: Login
    id: Id
    type: str = "User"


class InstallationRefPayload(Payload):
    """The installation of a delivery; a repository's own webhooks have none."""

    id: Id


class RepositoryPayload(Payload):
    """`full_name` is `owner/repo`."""

    full_name: FullName


class HeadPayload(Payload):
    """The head of a pull request."""

    sha: Sha


class BasePayload(Payload):
    """The base of a pull request."""

    ref: Ref


class PullRequestPayload(Payload):
    """The fields of a pull request that the receiver needs."""

    number: Number
    state: str = "open"
    merged: bool | None = None
    head: HeadPayload
    base: BasePayload


class RepositoryEventPayload(Payload):
    """The fields of every delivery about a repository."""

    action: Word
    repository: RepositoryPayload
    sender: UserPayload
    installation: InstallationRefPayload | None = None


class ChangesPayload(Payload):
    """The changes of an `edited` delivery; only a new base or title matters."""

    base: dict[str, object] | None = None
    title: dict[str, object] | None = None


class PullRequestEventPayload(RepositoryEventPayload):
    """`pull_request`; `before` comes with `synchronize`."""

    pull_request: PullRequestPayload
    before: Sha | None = None
    changes: ChangesPayload = ChangesPayload()


class IssuePayload(Payload):
    """An issue, or a pull request if `pull_request` is set."""

    number: Number
    pull_request: dict[str, object] | None = None


class CommentPayload(Payload):
    """A comment; `user` is null if the account was deleted."""

    id: Id
    body: str = Field(max_length=262_144)
    user: UserPayload | None
    in_reply_to_id: Id | None = None


class IssueCommentEventPayload(RepositoryEventPayload):
    """`issue_comment`: the conversation of an issue or a pull request."""

    issue: IssuePayload
    comment: CommentPayload


class ReviewedPullRequestPayload(Payload):
    """The pull request of a review comment."""

    number: Number
    head: HeadPayload


class ReviewCommentEventPayload(RepositoryEventPayload):
    """`pull_request_review_comment`: a thread on a line."""

    pull_request: ReviewedPullRequestPayload
    comment: CommentPayload


class AppPayload(Payload):
    """The App that created a check run."""

    id: Id


class CheckRunPayload(Payload):
    """A check run; its App sets `external_id`."""

    id: Id
    app: AppPayload | None = None
    name: str = Field(max_length=1_000)
    head_sha: Sha
    external_id: str | None = Field(default=None, max_length=1_000)


class RequestedActionPayload(Payload):
    """The button that was pressed."""

    identifier: str = Field(max_length=20)


class CheckRunEventPayload(RepositoryEventPayload):
    """`check_run`."""

    check_run: CheckRunPayload
    requested_action: RequestedActionPayload | None = None


class NumberedPullRequestPayload(Payload):
    """The number of a pull request."""

    number: Number


class CheckSuitePayload(Payload):
    """A check suite; `pull_requests` is empty for forks."""

    id: Id
    head_sha: Sha
    pull_requests: tuple[NumberedPullRequestPayload, ...] = ()


class CheckSuiteEventPayload(RepositoryEventPayload):
    """`check_suite`."""

    check_suite: CheckSuitePayload


class MergeGroupPayload(Payload):
    """The commits that the merge queue wants to merge."""

    head_sha: Sha
    head_ref: Ref
    base_ref: Ref


class MergeGroupEventPayload(RepositoryEventPayload):
    """`merge_group`."""

    merge_group: MergeGroupPayload


class InstallationPayload(Payload):
    """An installation; `permissions` maps a permission to `read` or `write`."""

    id: Id
    account: UserPayload
    permissions: dict[str, str] = {}


class InstallationEventPayload(Payload):
    """`installation`."""

    action: Word
    installation: InstallationPayload


class InstallationRepositoriesEventPayload(Payload):
    """`installation_repositories`."""

    action: Literal["added", "removed"]
    installation: InstallationPayload
    repositories_added: tuple[RepositoryPayload, ...] = ()
    repositories_removed: tuple[RepositoryPayload, ...] = ()


class NameChangePayload(Payload):
    """The old name, without its owner."""

    from_: str = Field(alias="from", max_length=100)


class RepositoryNameChangePayload(Payload):
    """A wrapper around the old name."""

    name: NameChangePayload


class FormerOwnerPayload(Payload):
    """The account that owned the repository: a person or an organization."""

    user: UserPayload | None = None
    organization: UserPayload | None = None


class OwnerChangePayload(Payload):
    """The former owner of a repository."""

    from_: FormerOwnerPayload = Field(alias="from")


class RepositoryChangesPayload(Payload):
    """The changes of `repository.renamed` and `repository.transferred`."""

    repository: RepositoryNameChangePayload | None = None
    owner: OwnerChangePayload | None = None


class RepositoryChangedEventPayload(RepositoryEventPayload):
    """`repository`: renamed, transferred, …"""

    changes: RepositoryChangesPayload = RepositoryChangesPayload()
