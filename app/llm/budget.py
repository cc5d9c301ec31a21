"""Budgets: room is taken before a call by an estimate, and set right after it. Whoever crashes between has paid the estimate.

Taking room in several accounts is one atomic step of the store, so that calls at the same time, in this process or another,
cannot together spend what each alone might.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.domain.model_call import Booking
from app.domain.notification import BudgetName, BudgetReached, Notify, drop_notification
from app.errors import ModelOverBudget
from app.llm.call_store import CallStore
from app.llm.client import CallScope
from app.llm.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The operator's limits in USD; None: unlimited."""

    review_usd: float | None = None
    pull_request_day_usd: float | None = None
    repository_month_usd: float | None = None
    installation_month_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Room that was taken for one call."""

    accounts: Mapping[str, float | None]
    amount_usd: float

    def settled(self, cost_usd: float) -> Booking | None:
        """What sets the accounts right once the cost is known; None where they are."""
        difference_usd = cost_usd - self.amount_usd
        return (
            Booking(accounts=tuple(self.accounts), difference_usd=difference_usd) if difference_usd else None
        )


class Budgets:
    """The operator's and the repository's limits; the lower one holds."""

    def __init__(
        self, *, limits: Limits, store: CallStore, clock: Clock, tell: Notify = drop_notification
    ) -> None:
        self._limits = limits
        self._store = store
        self._clock = clock
        self._tell = tell

    async def reserve(self, scope: CallScope, estimate_usd: Callable[[], float]) -> Reservation:
        """Take room for a call; it is estimated only where a limit wants to know.

        Raises:
            ModelOverBudget: naming the budget and its limit.
        """
        accounts = _accounts(scope, self._limits, self._clock.now())
        if all(limit_usd is None for limit_usd in accounts.values()):
            return Reservation(accounts=accounts, amount_usd=0.0)  # nothing to hold back; booked when settled
        amount_usd = estimate_usd()
        over = await self._store.reserve(accounts, amount_usd)
        if over is not None:
            kind, limit_usd = over.partition(":")[0], accounts[over] or 0.0
            await self._tell(
                BudgetReached(
                    budget=_BUDGETS[kind],
                    account=over,
                    limit_usd=limit_usd,
                    repository=scope.repository or None,
                    pull_request=scope.pull_request,
                    review_id=scope.review_id,
                )
            )
            raise ModelOverBudget(
                f"The budget of this {_NAMES[kind]} ({limit_usd:.4g} USD) has no room for this call."
            )
        return Reservation(accounts=accounts, amount_usd=amount_usd)


_NAMES = {
    "review": "review",
    "pull": "pull request and day",
    "repository": "repository and month",
    "installation": "installation and month",
}
_BUDGETS: dict[str, BudgetName] = {
    "review": "review",
    "pull": "pull_request_day",
    "repository": "repository_month",
    "installation": "installation_month",
}


def _accounts(scope: CallScope, limits: Limits, now: datetime) -> dict[str, float | None]:
    """Account → limit. Every call is booked on every account, so that a limit set later knows what was spent."""
    own = scope.budget
    tenant = f"{scope.installation_id}:{scope.repository}"
    day, month = now.strftime("%Y-%m-%d"), now.strftime("%Y-%m")
    accounts: dict[str, float | None] = {}
    if scope.review_id is not None:
        accounts[f"review:{scope.review_id}"] = _lower(limits.review_usd, own.review_usd)
    if scope.pull_request is not None:
        accounts[f"pull:{tenant}#{scope.pull_request}:{day}"] = _lower(
            limits.pull_request_day_usd, own.pull_request_day_usd
        )
    if scope.repository:
        accounts[f"repository:{tenant}:{month}"] = _lower(
            limits.repository_month_usd, own.repository_month_usd
        )
    accounts[f"installation:{scope.installation_id}:{month}"] = limits.installation_month_usd
    return accounts


def _lower(operator: float | None, repository: float | None) -> float | None:
    return min((limit for limit in (operator, repository) if limit is not None), default=None)
