"""Leases: which processes live. A process that stops renewing is dead to the others after `ttl`."""

from datetime import datetime, timedelta

from sqlmodel import col, delete, select

from app.store.database import Database
from app.store.tables import LeaseRow


def renew_lease(
    database: Database, executor_id: str, *, role: str, now: datetime, ttl: timedelta
) -> tuple[set[str], set[str]]:
    """Renew one's own lease and strike the others that ran out: (living, dead), in one transaction."""
    with database.write() as session:
        own = session.get(LeaseRow, executor_id) or LeaseRow(
            executor_id=executor_id, role=role, started_at=now, expires_at=now
        )
        own.expires_at = now + ttl
        session.add(own)
        dead = set(session.exec(select(LeaseRow.executor_id).where(col(LeaseRow.expires_at) < now)).all())
        session.exec(delete(LeaseRow).where(col(LeaseRow.executor_id).in_(dead)))
        living = set(session.exec(select(LeaseRow.executor_id)).all()) | {executor_id}
    return living - dead, dead - {executor_id}


def end_lease(database: Database, executor_id: str) -> None:
    """Say goodbye, so that others need not wait for the lease to run out."""
    with database.write() as session:
        session.exec(delete(LeaseRow).where(col(LeaseRow.executor_id) == executor_id))


def load_living(database: Database, *, now: datetime) -> set[str]:
    """Who holds a lease that has not run out."""
    with database.read() as session:
        return set(session.exec(select(LeaseRow.executor_id).where(col(LeaseRow.expires_at) >= now)).all())
