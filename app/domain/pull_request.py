"""What is reviewed: a pull request and how it is named. Never reads anything."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestRef:
    """The name of a pull request: `owner/repo#number`."""

    owner: str
    repo: str
    number: int

    @property
    def repository(self) -> str:
        """`owner/repo`, as GitHub's `full_name`."""
        return f"{self.owner}/{self.repo}"

    def __str__(self) -> str:
        return f"{self.repository}#{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request as it stood when it was read; the names are GitHub's."""

    ref: PullRequestRef
    title: str
    body: str
    author: str
    author_is_bot: bool
    state: str  # "open" or "closed"
    draft: bool
    labels: tuple[str, ...]
    base_ref: str
    base_sha: str
    head_ref: str
    head_sha: str
    head_repository: str | None  # None: the fork was deleted
