"""A fix of a finding: what a model proposes, what it does to files, what was checked, and who confirmed it. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from app.domain.model_call import Provider, vendor_of
from app.domain.pull_request import PullRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEdit:
    """The text `old`, which is in the file exactly once, becomes `new`; an empty `old` creates the file."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedFix:
    """A model's answer: the edits, and one sentence on what changes."""

    edits: tuple[TextEdit, ...]
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedFile:
    """One file before and after a fix; `before` is None for a new file."""

    path: str
    before: bytes | None
    after: bytes
    is_executable: bool = False


class FixProblemCode(StrEnum):
    """Why a fix is not used; `app.publish.fixes` has the sentences."""

    NO_EDITS = "no_edits"
    TOO_MANY_EDITS = "too_many_edits"
    TOO_MANY_FILES = "too_many_files"
    TOO_LARGE = "too_large"
    INVALID_PATH = "invalid_path"
    PROTECTED_PATH = "protected_path"
    OUTSIDE_CHANGE = "outside_change"
    DELETED_FILE = "deleted_file"
    NOT_TEXT = "not_text"
    NOT_A_FILE = "not_a_file"  # a symbolic link, a submodule, or below one
    EXISTS = "exists"  # or differs from an existing name only in case
    OLD_NOT_FOUND = "old_not_found"
    OLD_NOT_UNIQUE = "old_not_unique"
    OVERLAPPING = "overlapping"
    EMPTIES_FILE = "empties_file"
    CHANGES_NOTHING = "changes_nothing"
    REDACTED = "redacted"
    HIDDEN_CHARACTERS = "hidden_characters"
    DOES_NOT_PARSE = "does_not_parse"
    NEW_FINDING = "new_finding"  # of an analyzer; `detail` is its title
    STILL_FOUND = "still_found"
    NOT_ANALYZED = "not_analyzed"
    SECRET = "secret"  # noqa: S105 - not a secret
    OBJECTION = "objection"  # of the verifying model; `detail` is its evidence
    NO_MODEL = "no_model"  # none proposed a fix; `detail` says why
    UNVERIFIED = "unverified"  # no other vendor's model answered; `detail` says why


@dataclass(frozen=True, slots=True, kw_only=True)
class FixProblem:
    """What a check found; `detail` may be a model's text."""

    code: FixProblemCode
    path: str = ""
    detail: str = ""


class FixStatus(StrEnum):
    """How an attempt to fix a finding ended."""

    CONFIRMED = "confirmed"  # every check passed, and another vendor's model confirmed it
    UNCONFIRMED = "unconfirmed"  # every check passed, but no other vendor's model confirmed it
    FAILED = "failed"  # no proposal passed the checks


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFix:
    """The fix of one finding: its edits, who wrote and who confirmed it (`provider:model`), and the problems of each try."""

    fingerprint: str
    status: FixStatus
    edits: tuple[TextEdit, ...] = ()  # none if it failed
    sentence: str = ""
    fixed_by: str | None = None
    confirmed_by: str | None = None
    problems: tuple[FixProblem, ...] = ()
    call_ids: tuple[str, ...] = ()


def vendors_of_fix(fixed_by: str, found_by: Sequence[str]) -> frozenset[Provider]:
    """The vendors that must not confirm a fix: the one that wrote it, and the only one that found the defect.

    Vendors that found a defect independently of each other may judge each other's fixes.
    """
    finders = {vendor_of(name) for name in found_by} - {None, Provider.ANALYZERS}
    excluded = {vendor_of(fixed_by), *(finders if len(finders) == 1 else ())}
    return frozenset(provider for provider in excluded if provider is not None)


class PathKind(StrEnum):
    """What a path of a tree is."""

    FILE = "file"
    EXECUTABLE = "executable"
    OTHER = "other"  # a link, a submodule, a directory, or below a link or a submodule
    SIMILAR = "similar"  # it does not exist, but a name that differs only in case does
    ABSENT = "absent"


class HeadFiles(Protocol):
    """The files of the head that a fix changes."""

    async def read(self, path: str) -> bytes | None:
        """Read a file of the head; None if there is none."""
        ...

    async def kind(self, path: str) -> PathKind:
        """Say what the path is in the head's tree; raises `GitHubError` or `InputError`."""
        ...


FileContents = Mapping[str, bytes | None]
"""The contents of paths at the head; None for a file that does not exist."""


class FixObstacle(StrEnum):
    """Why confirmed fixes are not committed; `app.publish.fixes` has the sentences."""

    FORK = "fork"
    SHARED_BRANCH = "shared_branch"  # the base branch or the default branch
    PROTECTED = "protected"
    NO_PERMISSION = "no_permission"
    REFUSED = "refused"  # GitHub refused the write for another reason
    CLOSED = "closed"  # the pull request, while its fix was made
    BRANCH_TAKEN = "branch_taken"  # the branch for the fix exists with other content
    NOT_PERMITTED = "not_permitted"  # who asked has lost the write access meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchCommit:
    """A commit of the pull request's branch; `author` is a login, if GitHub knows it and nobody can have made it up."""

    sha: str
    message: str
    author: str | None


class FixWriter(Protocol):
    """Commits fixes to the branch of one pull request through the git data API. Every method raises `GitHubError`s."""

    async def obstacle(self, pull: PullRequest) -> FixObstacle | None:
        """Say why fixes of this pull request cannot be committed; None if they can."""
        ...

    async def history(self, pull: PullRequest) -> Sequence[BranchCommit]:
        """Return the newest commits of the branch, newest first."""
        ...

    async def own_login(self) -> str:
        """Return the login as which commits are made."""
        ...

    async def commit(self, pull: PullRequest, files: Sequence[FixedFile], message: str) -> str:
        """Commit on the head and move the branch to it; return the commit's id.

        Raises:
            HeadMoved: the branch is not at the pull request's head any more.
            GitHubForbidden, GitHubRejected: GitHub refused; the branch is where it was.
        """
        ...

    async def propose(
        self,
        pull: PullRequest,
        files: Sequence[FixedFile],
        message: str,
        *,
        branch: str,
        title: str,
        body: str,
    ) -> int:
        """Commit to a new branch and open a pull request from it into the pull request's branch; return its number.

        Raises:
            HeadMoved: the branch is not at the pull request's head any more.
            BranchTaken: the new branch exists already, and what is on it is not this fix.
            GitHubForbidden, GitHubRejected: GitHub refused.
        """
        ...

    async def find_proposal(self, pull: PullRequest, *, branch: str) -> int | None:
        """Find the pull request that `propose` opened from this branch."""
        ...
