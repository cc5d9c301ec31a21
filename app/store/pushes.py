"""Pushes that wait for their review: a later push supersedes them and uses the workflow that one of them already has."""

from datetime import datetime

from sqlalchemy import bindparam, func, or_
from sqlmodel import Session, col, select

from app.domain.pull_request import PullRequestRef
from app.store.columns import DriverStatement
from app.store.database import driver_of
from app.store.deliveries import DeliveryState, mark_finished
from app.store.job_tables import DeliveryRow

FOLLOWS = "waits for the workflow of an earlier push"  # the reason of a queued delivery without a workflow

_WAITING_REVIEWS = DriverStatement(
    select(
        DeliveryRow.guid,
        func.coalesce(DeliveryRow.waits_since, DeliveryRow.received_at),
        or_(col(DeliveryRow.workflow_id).is_not(None), col(DeliveryRow.reason) == bindparam("follows")),
    )
    .where(
        col(DeliveryRow.repository) == bindparam("repository"),
        col(DeliveryRow.pull_request) == bindparam("number"),
        col(DeliveryRow.state) == DeliveryState.QUEUED,
        col(DeliveryRow.attempts) == 1,
        col(DeliveryRow.request)["kind"].as_string() == "review",
        col(DeliveryRow.request)["request", "trigger"].as_string() == bindparam("trigger"),
    )
    .with_for_update()
)


def supersede_waiting(
    session: Session, ref: PullRequestRef, *, trigger: str, at: datetime, reason: str
) -> tuple[datetime | None, bool]:
    """Supersede the deliveries with this trigger that wait for their first attempt to review the pull request.

    The rows are locked, so that no worker starts them. Return since when the oldest has waited, None if there are none,
    and whether a workflow of them still waits, so that the next delivery needs none of its own.
    """
    place = {"repository": ref.repository, "number": ref.number, "trigger": trigger, "follows": FOLLOWS}
    waiting = _WAITING_REVIEWS.rows(driver_of(session), place)
    for guid, _, _ in waiting:
        mark_finished(session, guid, DeliveryState.SUPERSEDED, at=at, reason=reason)
    since = min((since for _, since, _ in waiting), default=None)
    return since, any(has_workflow for _, _, has_workflow in waiting)
