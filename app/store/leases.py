"""Leases: which processes live. A process that stops renewing is dead to the others after `ttl`.

Whoever finds a lease that has run out strikes it, and only then takes over the work. So a process that stood still
(a laptop's lid, SIGSTOP, a long pause of a virtual machine) can tell by its own row whether its work is still its own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from app.errors import StoreUnavailable
from app.store.database import Database
from app.store.tables import LeaseRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """Names of the processes that live, and of those that were struck just now. `lost`: one's own had been struck."""

    living: set[str]
    dead: set[str]
    lost: bool = False


def renew_lease(
    database: Database, executor_id: str, *, role: str, now: datetime, ttl: timedelta, held: bool = False
) -> Leases:
    """Renew one's own lease and strike the others that ran out, in one transaction.

    Args:
        held: this process has had it before; where it is gone, nothing is changed.
    """
    with database.write() as session:
        own = session.get(LeaseRow, executor_id)
        if own is None and held:
            return Leases(living=set(), dead=set(), lost=True)
        own = own or LeaseRow(executor_id=executor_id, role=role, started_at=now, expires_at=now)
        own.expires_at = now + ttl
        session.add(own)
        dead = set(session.exec(select(LeaseRow.executor_id).where(col(LeaseRow.expires_at) < now)).all())
        session.exec(delete(LeaseRow).where(col(LeaseRow.executor_id).in_(dead)))
        living = set(session.exec(select(LeaseRow.executor_id)).all()) | {executor_id}
    return Leases(living=living - dead, dead=dead - {executor_id})


def require_lease(session: Session, executor_id: str) -> None:
    """Raise `StoreUnavailable` where others have struck this process: what it wants to do, they do."""
    if session.get(LeaseRow, executor_id) is None:
        raise StoreUnavailable("This process stood still for too long: others have taken over its work.")


def end_lease(database: Database, executor_id: str) -> None:
    """Say goodbye, so that others need not wait for the lease to run out."""
    with database.write() as session:
        session.exec(delete(LeaseRow).where(col(LeaseRow.executor_id) == executor_id))


def load_living(database: Database, *, now: datetime) -> set[str]:
    """Who holds a lease that has not run out."""
    with database.read() as session:
        return set(session.exec(select(LeaseRow.executor_id).where(col(LeaseRow.expires_at) >= now)).all())
