"""What every decision about a delivery goes by: the operator's rules, where it comes from, and what it is to do nothing.

Values alone; decides nothing itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.job import Delivery
from app.domain.pull_request import PullRequestRef

Body = Mapping[str, Any]
"""A delivery's JSON, of which nothing is known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Nothing is done, and why; the answer to GitHub says it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator says about whom to serve. `redact` is applied to what people wrote before it is kept."""

    redact: Callable[[str], str]
    app_slug: str = "quorum"
    app_id: int | None = None  # None: whose a check run is, is not asked
    allowed_owners: frozenset[str] = frozenset()  # empty: everybody
    allowed_bots: frozenset[int] = frozenset()  # ids of accounts

    def serves(self, owner: str) -> bool:
        """Whether an account's installations are served."""
        return not self.allowed_owners or owner.lower() in {name.lower() for name in self.allowed_owners}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where a delivery about a repository comes from."""

    delivery: Delivery
    rules: Rules
    installation_id: int
    repository: str

    def pull_request(self, number: int) -> PullRequestRef:
        """A pull request of the repository."""
        owner, _, repo = self.repository.partition("/")
        return PullRequestRef(owner=owner, repo=repo, number=number)
