"""A finding's life on the pull request: its thread, and what a second vendor says of it. Values only."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One comment of a thread."""

    author: str
    author_is_bot: bool
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A review thread that Quorum opened; `fingerprint` comes from its hidden marker."""

    node_id: str
    comment_id: int  # of its first comment
    fingerprint: str
    path: str
    line: int | None
    is_resolved: bool
    is_outdated: bool
    comment_node_id: str = ""  # of its first comment: what can be folded away
    replies: tuple[Reply, ...] = ()
    thumbs_up: int = 0  # on its first comment
    thumbs_down: int = 0


class Judgement(StrEnum):
    """What a verifier says of a claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A verifier's answer on one claim; `by` is `provider:model`, `worth` 0 to 10."""

    id: str
    judgement: Judgement
    evidence: str
    worth: int
    by: str
