"""Notifications that Quorum sends: a review finished, a budget is used up. Public facts and numbers only, no I/O.

They never hold code or text written by a person or a model. The annotations are the documentation
(docs/notifications.md).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID, uuid5

from app.domain.finding import Severity, Stage
from app.domain.publication import Conclusion

NOTIFICATIONS = UUID("0a7c3f9e-55c2-5d0b-8f5e-3d1d0c5f6a52")
Recipient = Literal["webhook", "slack", "teams", "email"]
BudgetName = Literal["review", "pull_request_day", "repository_month", "installation_month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFinished:
    """A review was published or failed."""

    review_id: Annotated[str, "The review's id, as in `reviews`."]
    repository: Annotated[str, "`owner/repo`."]
    pull_request: Annotated[int, "The pull request's number."]
    url: Annotated[str, "The pull request's URL."]
    head_sha: Annotated[
        str | None, "The reviewed commit; null if the review ended before the head was known."
    ]
    trigger: Annotated[str, "What triggered it: `opened`, `synchronize`, `comment:<id>`, …"]
    status: Annotated[Literal["completed", "failed"], "Whether the review succeeded."]
    result: Annotated[str, "What was not reviewed and what was found, in a few words without reasons."]
    conclusions: Annotated[dict[Stage, Conclusion], "The conclusion of each stage's check run."]
    findings: Annotated[dict[Severity, int], "The number of findings of each severity."]
    files: Annotated[int, "The number of changed files."]
    reviewed_files: Annotated[int, "The number of reviewed files."]
    calls: Annotated[int, "The number of model calls."]
    cost_usd: Annotated[float, "The cost of the calls with a known price."]
    duration_ms: Annotated[int, "The duration of the review."]
    type: Literal["review.finished"] = "review.finished"

    @property
    def id(self) -> str:
        """Stable for one review and status."""
        return _id(self.type, self.review_id, self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetReached:
    """A budget blocked a call; sent once for each budget and limit."""

    budget: Annotated[BudgetName, "Which budget."]
    account: Annotated[str, "The account of the budget, as in `spend`: its owner and period."]
    limit_usd: Annotated[float, "The limit."]
    repository: Annotated[str | None, "`owner/repo` of the blocked call."]
    pull_request: Annotated[int | None, "Its pull request."]
    review_id: Annotated[str | None, "Its review."]
    type: Literal["budget.reached"] = "budget.reached"

    @property
    def id(self) -> str:
        """Stable for one budget, period and limit."""
        return _id(self.type, self.account, str(self.limit_usd))


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetNear:
    """A part of a monthly budget is spent; sent once for each budget, month, limit and percentage."""

    budget: Annotated[BudgetName, "Which budget."]
    account: Annotated[str, "The account of the budget, as in `spend`: its owner and period."]
    percent: Annotated[Literal[50, 80, 100], "The part of the limit that is spent, including reservations."]
    spent_usd: Annotated[float, "What is spent."]
    limit_usd: Annotated[float, "The limit."]
    repository: Annotated[str | None, "`owner/repo`; null for the budget of an installation."]
    type: Literal["budget.near"] = "budget.near"

    @property
    def pull_request(self) -> None:
        """Always None."""
        return

    @property
    def id(self) -> str:
        """Stable for one budget, month, limit and percentage."""
        return _id(self.type, self.account, str(self.limit_usd), str(self.percent))


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyDigest:
    """The figures of a week, from Monday to Sunday in UTC; sent once, and not for a week without reviews."""

    week: Annotated[str, "The week, e.g. `2026-W48`."]
    reviews: Annotated[int, "The number of reviews."]
    failed_reviews: Annotated[int, "The number of reviews that failed."]
    findings: Annotated[int, "The number of posted findings."]
    decided_findings: Annotated[int, "How many of them are resolved, dismissed or outdated."]
    resolved_findings: Annotated[int, "How many of them the authors resolved."]
    open_critical_findings: Annotated[int, "The number of critical findings that are open now, of any week."]
    cost_usd: Annotated[float, "The cost of the calls with a known price."]
    cost_usd_before: Annotated[float, "The same for the week before."]
    repositories: Annotated[dict[str, int], "The number of findings of the five repositories with the most."]
    type: Literal["digest.weekly"] = "digest.weekly"

    @property
    def repository(self) -> None:
        """Always None."""
        return

    @property
    def pull_request(self) -> None:
        """Always None."""
        return

    @property
    def id(self) -> str:
        """Stable for one week."""
        return _id(self.type, self.week)


News = ReviewFinished | BudgetReached | BudgetNear | WeeklyDigest
NewsForPeople = BudgetReached | BudgetNear | WeeklyDigest  # what chats and e-mail get
Notify = Callable[[News], Awaitable[None]]


async def drop_notification(news: News) -> None:
    """A `Notify` that drops everything: outside the App, or without a receiver."""
    del news


def _id(*parts: str) -> str:
    return f"msg_{uuid5(NOTIFICATIONS, ':'.join(parts)).hex}"
