"""The deliveries that were accepted, page by page, and the processes that live. Never shows what a delivery asks for in words."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, true, tuple_
from sqlmodel import col, select

from app.domain.viewer import Viewer
from app.store.dashboard.reviews import PAGE, Cursor
from app.store.database import Database
from app.store.tables import DeliveryRow, LeaseRow
from app.store.viewer import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """Some deliveries, newest first; `next` None: there are no older ones."""

    rows: tuple[DeliveryRow, ...]
    next: Cursor | None


def load_deliveries(
    database: Database, viewer: Viewer, *, state: str = "", after: Cursor | None = None, limit: int = PAGE
) -> DeliveryPage:
    """A page of the list; `state` empty: all."""
    older = true()
    if after is not None:
        older = tuple_(col(DeliveryRow.received_at), col(DeliveryRow.guid)) < tuple_(after.at, after.id)
    statement = (
        select(DeliveryRow)
        .where(visible(viewer, DeliveryRow), older, col(DeliveryRow.state) == state if state else true())
        .order_by(col(DeliveryRow.received_at).desc(), col(DeliveryRow.guid).desc())
        .limit(limit + 1)
    )
    with database.read() as session:
        rows = session.exec(statement).all()
    shown = tuple(rows[:limit])
    more = len(rows) > limit
    return DeliveryPage(
        rows=shown, next=Cursor(at=shown[-1].received_at, id=shown[-1].guid) if more else None
    )


def count_living(database: Database, *, now: datetime) -> int:
    """Worker processes whose lease has not run out."""
    statement = select(func.count()).select_from(LeaseRow).where(col(LeaseRow.expires_at) > now)
    with database.read() as session:
        return session.exec(statement).one()
