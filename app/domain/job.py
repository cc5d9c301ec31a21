"""The jobs that deliveries ask for. Values only; nothing behind this module sees GitHub's JSON.

One delivery asks for one job. Jobs with the same `partition` (a pull request) run one after the other. Of two jobs with
the same `key`, only the first runs.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from app.domain.finding import Stage
from app.domain.notification import News, Recipient
from app.domain.publication import CommentKind
from app.domain.pull_request import PullRequestRef
from app.domain.review import ReviewRequest

REVIEWS = UUID("6d1f3d0e-7f0a-5a0e-9d0c-51a5d1c7e0b1")


def review_id(ref: PullRequestRef, *, head_sha: str | None, trigger: str, nonce: str | None = None) -> str:
    """Return the id of a request, the same in every delivery; `nonce` distinguishes two events with one head and trigger."""
    return str(uuid5(REVIEWS, f"{ref}@{head_sha or ''}:{trigger}:{nonce or ''}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook delivery; `guid` is GitHub's `X-GitHub-Delivery`, the same for every redelivery."""

    guid: str
    event: str
    action: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewJob:
    """Review a pull request: it was opened or pushed to, or someone re-ran its check."""

    request: ReviewRequest
    before_sha: str | None = None  # head before the push
    kind: Literal["review"] = "review"

    @property
    def installation_id(self) -> int:
        """The installation of the repository."""
        return self.request.installation_id

    @property
    def key(self) -> str:
        """The review's id."""
        return self.request.review_id

    @property
    def partition(self) -> str:
        """The pull request."""
        return str(self.request.ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The first line of a comment, parsed: `/rereview security full` is name "rereview", words ("security", "full").

    Free text is only in `text`, so it is redacted in one place.
    """

    name: str
    words: tuple[str, ...] = ()
    text: str = ""  # the rest of the comment, as written
    suggestion: str | None = None  # the closest command, if `name` is not a command
    problem: str | None = None  # what is wrong with the words, as a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentJob:
    """A comment to Quorum: a command, or a mention (`command` is None). The handler checks who may give commands."""

    installation_id: int
    ref: PullRequestRef
    comment_kind: CommentKind
    comment_id: int
    author: str
    author_id: int
    body: str
    command: Command | None = None
    thread_comment_id: int | None = None  # first comment of the review thread
    head_sha: str | None = None
    guid: str  # of the delivery
    kind: Literal["comment"] = "comment"

    @property
    def key(self) -> str:
        """The comment."""
        return f"{self.comment_kind}:{self.ref.repository}:{self.comment_id}"

    @property
    def partition(self) -> str:
        """The pull request."""
        return str(self.ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckActionJob:
    """Someone pressed a button of a check run; `identifier` names the button."""

    installation_id: int
    ref: PullRequestRef
    check_run_id: int
    stage: Stage
    head_sha: str
    identifier: str
    sender: str
    sender_id: int | None = None
    guid: str  # the same button may be pressed again
    kind: Literal["check_action"] = "check_action"

    @property
    def key(self) -> str:
        """This press."""
        return f"check_action:{self.check_run_id}:{self.identifier}:{self.guid}"

    @property
    def partition(self) -> str:
        """The pull request."""
        return str(self.ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSuiteJob:
    """Someone re-ran all checks of a head. The handler finds its pull requests, which a fork's payload does not list."""

    installation_id: int
    repository: str
    check_suite_id: int
    head_sha: str
    pull_requests: tuple[int, ...]
    guid: str
    kind: Literal["check_suite"] = "check_suite"

    @property
    def key(self) -> str:
        """This press."""
        return f"check_suite:{self.check_suite_id}:{self.guid}"

    @property
    def partition(self) -> str:
        """The head."""
        return f"{self.repository}@{self.head_sha}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeGroupJob:
    """The merge queue waits for checks on its own commit."""

    installation_id: int
    repository: str
    head_sha: str
    base_ref: str
    head_ref: str  # refs/heads/gh-readonly-queue/main/pr-7-…
    kind: Literal["merge_group"] = "merge_group"

    @property
    def key(self) -> str:
        """The commit."""
        return f"merge_group:{self.repository}@{self.head_sha}"

    @property
    def partition(self) -> str:
        """The commit."""
        return f"{self.repository}@{self.head_sha}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedJob:
    """A pull request was closed or merged: evaluate the outcome of its findings."""

    installation_id: int
    ref: PullRequestRef
    head_sha: str
    merged: bool
    guid: str
    kind: Literal["closed"] = "closed"

    @property
    def key(self) -> str:
        """This closing."""
        return f"closed:{self.ref}:{self.guid}"

    @property
    def partition(self) -> str:
        """The pull request."""
        return str(self.ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedJob:
    """A pull request got another title or label, or became a draft: it may be ignored from now on, or no longer."""

    installation_id: int
    ref: PullRequestRef
    change: str  # "edited", "labeled", "unlabeled", "converted_to_draft"
    guid: str
    kind: Literal["changed"] = "changed"

    @property
    def key(self) -> str:
        """This change."""
        return f"changed:{self.ref}:{self.guid}"

    @property
    def partition(self) -> str:
        """The pull request."""
        return str(self.ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationJob:
    """The App was installed, removed, or suspended, its repositories or permissions changed, or a repository moved."""

    installation_id: int
    account: str
    change: str  # "created", "deleted", "suspend", "unsuspend", "new_permissions_accepted", "added", "removed", "renamed"
    guid: str
    permissions: dict[str, str] = field(default_factory=dict[str, str])
    repositories: tuple[str, ...] = ()  # added, removed, or the new name
    previous_repository: str | None = None
    kind: Literal["installation"] = "installation"

    @property
    def key(self) -> str:
        """This change."""
        return f"installation:{self.installation_id}:{self.guid}"

    @property
    def partition(self) -> str:
        """The installation."""
        return f"installation:{self.installation_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationJob:
    """Notify the operator's receiver. It belongs to no installation, so no installation's reviews wait for the receiver."""

    news: News
    at: datetime
    to: Recipient = "webhook"
    kind: Literal["notification"] = "notification"

    @property
    def installation_id(self) -> None:
        """Always None."""
        return

    @property
    def key(self) -> str:
        """The message's id."""
        return self.news.id if self.to == "webhook" else f"{self.news.id}.{self.to}"

    @property
    def partition(self) -> str:
        """The message itself: notifications do not wait for one another."""
        return self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The delivery is stored, and its job will run."""

    guid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """The delivery adds no job, because the delivery `of` asked for the same one."""

    guid: str
    of: str


Job = (
    ReviewJob
    | CommentJob
    | CheckActionJob
    | CheckSuiteJob
    | MergeGroupJob
    | ClosedJob
    | ChangedJob
    | InstallationJob
    | NotificationJob
)
