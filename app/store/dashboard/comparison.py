"""Models compared by the outcomes and cost of their findings, and repositories by reviews, findings and spend.

A finding of several models counts for each; one posted by several reviews of a pull request counts once.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Text, cast, func, select
from sqlmodel import Session, col

from app.domain.finding import REFUTED_BY, Stage
from app.domain.model_call import vendors_of
from app.domain.viewer import Viewer
from app.store.call_tables import ModelCallRow
from app.store.calls import load_accounts
from app.store.dashboard import visible
from app.store.database import Database
from app.store.findings import FindingOutcome
from app.store.model_calls import NEVER_SENT
from app.store.review_tables import FindingRow, RejectionRow, ReviewRow


@dataclass(slots=True, kw_only=True)
class ModelRecord:
    """The outcomes of one model's findings. `cost_usd` is that of its calls in the three stages, without verification."""

    source: str  # provider:model
    shown: int = 0
    confirmed: int = 0
    outcomes: dict[str, int] = field(default_factory=lambda: defaultdict[str, int](int))
    refuted: int = 0
    thumbs_up: int = 0
    thumbs_down: int = 0
    cost_usd: float = 0.0
    unpriced_calls: int = 0

    @property
    def provider(self) -> str:
        """The model's provider."""
        return self.source.partition(":")[0]

    @property
    def model(self) -> str:
        """The model, or the analyzer."""
        return self.source.partition(":")[2]

    @property
    def resolved(self) -> int:
        """Number of findings that authors acted on."""
        return self.outcomes.get(FindingOutcome.RESOLVED, 0)

    @property
    def decided(self) -> int:
        """Number of findings with a known outcome."""
        known = (FindingOutcome.RESOLVED, FindingOutcome.DISMISSED, FindingOutcome.OUTDATED)
        return sum(self.outcomes.get(outcome, 0) for outcome in known)

    @property
    def usd_per_resolved(self) -> float | None:
        """Cost per finding that authors acted on; None without such findings or if a price is unknown."""
        return self.cost_usd / self.resolved if self.resolved and not self.unpriced_calls else None


def load_records(database: Database, viewer: Viewer, *, since: datetime) -> list[ModelRecord]:
    """Return one record per model or analyzer, the one with the most findings first."""
    records: defaultdict[str, ModelRecord] = _Records()
    with database.read() as session:
        _add_findings(session, viewer, since, records)
        _add_refuted(session, viewer, since, records)
        _add_costs(session, viewer, since, records)
    return sorted(records.values(), key=lambda record: (-record.shown, record.source))


class _Records(defaultdict[str, ModelRecord]):
    def __missing__(self, source: str) -> ModelRecord:
        self[source] = record = ModelRecord(source=source)
        return record


def _add_findings(session: Session, viewer: Viewer, since: datetime, records: dict[str, ModelRecord]) -> None:
    """Add the findings, which the database groups by finders, verifiers and outcome to a few hundred lines."""
    each = (
        select(
            func.max(cast(FindingRow.found_by, Text)).label("found_by"),
            func.max(cast(FindingRow.confirmed_by, Text)).label("confirmed_by"),
            func.coalesce(func.max(FindingRow.outcome), "").label("outcome"),
            func.max(FindingRow.reactions_up).label("up"),
            func.max(FindingRow.reactions_down).label("down"),
        )
        .where(col(FindingRow.created_at) >= since, col(FindingRow.shown), visible(viewer, FindingRow))
        .group_by(
            col(FindingRow.installation_id),
            col(FindingRow.repository),
            col(FindingRow.pull_request),
            col(FindingRow.fingerprint),
        )
        .subquery()
    )
    keys = (each.c.found_by, each.c.confirmed_by, each.c.outcome)
    statement = select(*keys, func.count(), func.sum(each.c.up), func.sum(each.c.down)).group_by(*keys)
    for found_by, confirmed_by, outcome, count, up, down in session.connection().execute(statement):
        sources: list[str] = json.loads(found_by)
        is_confirmed = confirmed_by != "[]" or len(vendors_of(sources)) > 1
        for source in sources:
            record = records[source]
            record.shown += count
            record.confirmed += count if is_confirmed else 0
            record.outcomes[outcome] += count
            record.thumbs_up += up
            record.thumbs_down += down


def _add_refuted(session: Session, viewer: Viewer, since: datetime, records: dict[str, ModelRecord]) -> None:
    finders = cast(RejectionRow.found_by, Text)
    statement = (
        select(finders, func.count())
        .join(ReviewRow, col(ReviewRow.id) == col(RejectionRow.review_id))
        .where(
            col(ReviewRow.created_at) >= since,
            col(RejectionRow.reason).startswith(REFUTED_BY),
            visible(viewer, ReviewRow),
        )
        .group_by(finders)
    )
    for found_by, count in session.connection().execute(statement):
        for source in json.loads(found_by):
            records[source].refuted += count


def _add_costs(session: Session, viewer: Viewer, since: datetime, records: dict[str, ModelRecord]) -> None:
    price = col(ModelCallRow.cost_usd)
    statement = (
        select(
            col(ModelCallRow.provider),
            col(ModelCallRow.model),
            func.count(),
            func.count(price),
            func.sum(price),
        )
        .where(
            col(ModelCallRow.started_at) >= since,
            col(ModelCallRow.outcome).not_in(NEVER_SENT),
            col(ModelCallRow.stage).in_([stage.value for stage in Stage]),
            visible(viewer, ModelCallRow),
        )
        .group_by(col(ModelCallRow.provider), col(ModelCallRow.model))
    )
    for provider, model, calls, priced, cost in session.connection().execute(statement):
        record = records[f"{provider}:{model}"]
        record.cost_usd += float(cost or 0.0)
        record.unpriced_calls += calls - priced


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryLine:
    """A repository; `month_usd` is the spend of its budget this month, including reservations.

    `limit_usd` is the limit at the last call, the lower of the operator's and the repository's; None if not known.
    """

    installation_id: int
    repository: str
    reviews: int
    findings: int
    cost_usd: float
    last_review: datetime
    month_usd: float
    limit_usd: float | None


def load_repositories(
    database: Database, viewer: Viewer, *, since: datetime, now: datetime
) -> list[RepositoryLine]:
    """Return the repositories with reviews since `since`, the most expensive first."""
    reviews = (
        select(
            col(ReviewRow.installation_id),
            col(ReviewRow.repository),
            func.count(),
            func.sum(ReviewRow.cost_usd),
            func.max(ReviewRow.created_at),
        )
        .where(col(ReviewRow.created_at) >= since, visible(viewer, ReviewRow))
        .group_by(col(ReviewRow.installation_id), col(ReviewRow.repository))
    )
    findings = (
        select(col(FindingRow.installation_id), col(FindingRow.repository), func.count())
        .where(col(FindingRow.created_at) >= since, visible(viewer, FindingRow))
        .group_by(col(FindingRow.installation_id), col(FindingRow.repository))
    )
    with database.read() as session:
        connection = session.connection()
        rows = connection.execute(reviews).all()
        found = {(installation, name): count for installation, name, count in connection.execute(findings)}
    accounts = {row.account: row for row in load_accounts(database, "repository:")}
    lines: list[RepositoryLine] = []
    for installation, name, count, cost, last in rows:
        account = accounts.get(f"repository:{installation}:{name}:{now:%Y-%m}")  # named by app.llm.budget
        lines.append(
            RepositoryLine(
                installation_id=installation,
                repository=name,
                reviews=count,
                findings=found.get((installation, name), 0),
                cost_usd=float(cost or 0.0),
                last_review=last,
                month_usd=account.spent_usd if account else 0.0,
                limit_usd=account.limit_usd if account else None,
            )
        )
    return sorted(lines, key=lambda line: (-line.cost_usd, line.repository.lower()))
