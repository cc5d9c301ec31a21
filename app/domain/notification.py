"""What Quorum tells others of: a review has ended, a budget has no room left. Public facts and figures only, no I/O.

Never code, never a word that somebody or a model wrote. The texts beside the types are the documentation
(docs/notifications.md).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID, uuid5

from app.domain.finding import Severity, Stage
from app.domain.publication import Conclusion

NOTIFICATIONS = UUID("0a7c3f9e-55c2-5d0b-8f5e-3d1d0c5f6a52")
BudgetName = Literal["review", "pull_request_day", "repository_month", "installation_month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFinished:
    """A review was published, or could not be done."""

    review_id: Annotated[str, "The review's id, as in `reviews`."]
    repository: Annotated[str, "`owner/repo`."]
    pull_request: Annotated[int, "The pull request's number."]
    url: Annotated[str, "The pull request's address."]
    head_sha: Annotated[
        str | None, "The commit that was reviewed; null: the review ended before it was known."
    ]
    trigger: Annotated[str, "What asked for it: `opened`, `synchronize`, `comment:<id>`, …"]
    status: Annotated[Literal["completed", "failed"], "Whether it was done."]
    conclusions: Annotated[dict[Stage, Conclusion], "Stage to conclusion of its check run."]
    findings: Annotated[dict[Severity, int], "Severity to number of findings of this run."]
    files: Annotated[int, "Files that the pull request changes."]
    reviewed_files: Annotated[int, "How many of them were reviewed."]
    calls: Annotated[int, "Attempts to ask a model."]
    cost_usd: Annotated[float, "What they cost, as far as the prices are known."]
    duration_ms: Annotated[int, "From the beginning of the review to its end."]
    type: Literal["review.finished"] = "review.finished"

    @property
    def id(self) -> str:
        """The same for the same end of the same review."""
        return _id(self.type, self.review_id, self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetReached:
    """A call was not made because a budget has no room for it; told once for each budget and limit."""

    budget: Annotated[BudgetName, "Which budget."]
    account: Annotated[
        str, "The account of the budget, as in `spend`: it names whom and which time it is of."
    ]
    limit_usd: Annotated[float, "The limit."]
    repository: Annotated[str | None, "`owner/repo` of the call that was not made."]
    pull_request: Annotated[int | None, "Its pull request."]
    review_id: Annotated[str | None, "Its review."]
    type: Literal["budget.reached"] = "budget.reached"

    @property
    def id(self) -> str:
        """The same for the same budget, time and limit."""
        return _id(self.type, self.account, str(self.limit_usd))


News = ReviewFinished | BudgetReached
Tell = Callable[[News], Awaitable[None]]


async def nobody_is_told(news: News) -> None:
    """A `Tell` that drops everything: outside the App, and where no receiver is set."""
    del news


def _id(*parts: str) -> str:
    return f"msg_{uuid5(NOTIFICATIONS, ':'.join(parts)).hex}"
