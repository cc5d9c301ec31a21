"""The records that GitHub keeps, as plain objects. No behavior and no wire format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

Json = dict[str, Any]


class Urls(NamedTuple):
    """Addresses of the REST API and of the web pages, without a trailing slash."""

    api: str = "https://api.github.com"
    html: str = "https://github.com"


def timestamp(at: float) -> str:
    """Format a time as GitHub does, without milliseconds: some clients reject them."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(prefix: str, number: int) -> str:
    """Build a global id."""
    return f"{prefix}_kwDO{number}"


@dataclass(slots=True, eq=False, kw_only=True)
class Account:
    """A user, an organization or an App's bot; `type` is GitHub's word: User, Organization or Bot."""

    id: int
    login: str
    type: str = "User"


@dataclass(slots=True, eq=False, kw_only=True)
class Reaction:
    """An emoji on a comment."""

    id: int
    user: Account
    content: str
    created_at: float


@dataclass(slots=True, eq=False, kw_only=True)
class IssueComment:
    """A comment in the conversation of a pull request."""

    id: int
    user: Account
    body: str
    created_at: float
    updated_at: float
    minimized_reason: str | None = None
    reactions: list[Reaction] = field(default_factory=list[Reaction])

    @property
    def node_id(self) -> str:
        """Global id."""
        return f"IC_kwDO{self.id}"


@dataclass(slots=True, eq=False, kw_only=True)
class Review:
    """A submitted review; `state` is COMMENTED, APPROVED, CHANGES_REQUESTED, DISMISSED or PENDING."""

    id: int
    user: Account
    body: str
    state: str
    commit_id: str
    submitted_at: float
    minimized_reason: str | None = None

    @property
    def node_id(self) -> str:
        """Global id."""
        return f"PRR_kwDO{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The location of a review comment. A comment on a file has no line."""

    path: str
    subject_type: str = "line"
    side: str = "RIGHT"
    line: int | None = None
    start_line: int | None = None
    start_side: str | None = None


@dataclass(slots=True, eq=False, kw_only=True)
class ReviewComment:
    """A comment in the diff. `anchor` moves with the head; `original` is where it was posted."""

    id: int
    review_id: int
    user: Account
    body: str
    anchor: Anchor
    original: Anchor
    commit_id: str
    original_commit_id: str
    diff_hunk: str
    created_at: float
    updated_at: float
    in_reply_to_id: int | None = None
    minimized_reason: str | None = None
    reactions: list[Reaction] = field(default_factory=list[Reaction])

    @property
    def node_id(self) -> str:
        """Global id."""
        return f"PRRC_kwDO{self.id}"


Comment = IssueComment | ReviewComment


@dataclass(slots=True, eq=False, kw_only=True)
class ReviewThread:
    """The comments at one location; the first is the root."""

    id: int
    comments: list[ReviewComment]
    is_outdated: bool = False
    resolved_by: Account | None = None

    @property
    def node_id(self) -> str:
        """Global id."""
        return f"PRRT_kwDO{self.id}"

    @property
    def root(self) -> ReviewComment:
        """The comment that opened the thread."""
        return self.comments[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherApp:
    """Another App with checks on the same commits, such as `github-actions`."""

    id: int
    slug: str


@dataclass(slots=True, eq=False, kw_only=True)
class CheckSuite:
    """All check runs of one App on one commit; `other` is set if it is not the App under test."""

    id: int
    head_sha: str
    head_branch: str | None
    before: str | None
    created_at: float
    other: OtherApp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredCheck:
    """A check without which GitHub merges nothing into a branch; required by a ruleset or by classic protection."""

    context: str
    branch: str
    app_id: int | None = None  # None: any App's check counts
    is_classic: bool = False

    def is_rule_of(self, branch: str) -> bool:
        """Whether a rule of a ruleset requires it on this branch."""
        return self.branch == branch and not self.is_classic

    def is_protection_of(self, branch: str) -> bool:
        """Whether the classic protection of this branch requires it."""
        return self.branch == branch and self.is_classic


@dataclass(slots=True, eq=False, kw_only=True)
class CheckRun:
    """A check run; each request appends its `annotations`."""

    id: int
    suite: CheckSuite
    name: str
    head_sha: str
    created_at: float
    status: str = "queued"
    conclusion: str | None = None
    external_id: str = ""
    details_url: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[Json] = field(default_factory=list[Json])
    actions: list[Json] = field(default_factory=list[Json])

    @property
    def node_id(self) -> str:
        """Global id."""
        return f"CR_kwDO{self.id}"


@dataclass(slots=True, eq=False, kw_only=True)
class Installation:
    """The App on an account; `repositories` None means all repositories of the account."""

    id: int
    account: Account
    permissions: dict[str, str]
    events: tuple[str, ...]
    created_at: float
    repositories: set[str] | None = None
    suspended_at: float | None = None
    deleted: bool = False

    def covers(self, full_name: str) -> bool:
        """Whether the installation covers a repository."""
        owner = full_name.split("/")[0]
        chosen = self.repositories is None or full_name in self.repositories
        return not self.deleted and owner == self.account.login and chosen


@dataclass(slots=True, eq=False, kw_only=True)
class Issue:
    """An issue; it shares the numbers of the repository's pull requests."""

    number: int
    title: str
    body: str
    author: Account
    state: str = "open"


@dataclass(slots=True, eq=False, kw_only=True)
class Delivery:
    """A webhook delivery; `status_code` is 0 until it is sent."""

    id: int
    guid: str
    event: str
    action: str | None
    installation_id: int | None
    repository_id: int | None
    headers: Mapping[str, str]
    body: bytes
    delivered_at: float
    redelivery: bool = False
    status: str = "pending"
    status_code: int = 0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """A request that the stand-in answered. `operation` names a GraphQL operation, and `points` is its cost."""

    method: str
    path: str
    status: int
    query: str = ""
    operation: str | None = None
    points: int = 0
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Something that the App posted. `kind` is review, review_comment, issue_comment, check_run,

    reaction, resolved_thread, minimized_comment or sarif; `target` is the object in its present state.
    """

    kind: str
    id: int
    body: str
    target: Any
    edited: bool = False
