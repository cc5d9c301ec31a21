"""State that processes share: leases, which show that a process is alive, and generated secrets.

A process that does not renew its lease within `ttl` counts as dead. The process that finds an expired lease deletes it
before it takes over the work. A process that was suspended (SIGSTOP, a paused virtual machine) can therefore tell from its
own row whether it still owns its work.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from app.clock import utc_now
from app.errors import StoreUnavailable
from app.store.database import Database, serialize
from app.store.job_tables import LeaseRow, SecretRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """The live processes, and those whose expired lease was deleted. `lost`: another process deleted this process's lease."""

    living: set[str]
    dead: set[str]
    lost: bool = False


def renew_lease(
    database: Database, executor_id: str, *, role: str, now: datetime, ttl: timedelta, held: bool = False
) -> Leases:
    """Renew this process's lease and delete expired leases, in one transaction.

    Args:
        held: whether this process had a lease; if it was deleted, nothing changes.
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
    """Raise `StoreUnavailable` if another process has taken over the work of this one."""
    if session.get(LeaseRow, executor_id) is None:
        raise StoreUnavailable(
            "This process was suspended for too long; another process has taken over its work."
        )


def end_lease(database: Database, executor_id: str) -> None:
    """Delete this process's lease, so that others do not have to wait until it expires."""
    with database.write() as session:
        session.exec(delete(LeaseRow).where(col(LeaseRow.executor_id) == executor_id))


def load_live_processes(database: Database, *, now: datetime) -> set[str]:
    """Return the processes whose lease has not expired."""
    with database.read() as session:
        return set(session.exec(select(LeaseRow.executor_id).where(col(LeaseRow.expires_at) >= now)).all())


def count_live_workers(database: Database, *, now: datetime) -> int:
    """Count the processes that run jobs."""
    runs_jobs = (col(LeaseRow.expires_at) >= now, col(LeaseRow.role) != "web")
    with database.read() as session:
        return len(session.exec(select(LeaseRow.executor_id).where(*runs_jobs)).all())


SECRET_BYTES = 32
FENCE = "fence"  # key of the fences around untrusted text, and of the hidden markers
DASHBOARD = "dashboard"  # token of dashboard, API and metrics if the operator sets none
MCP = "mcp"  # token of /mcp if the operator sets none


def load_or_create_secret(database: Database, name: str, *, clock: Callable[[], datetime] = utc_now) -> str:
    """Return the secret with this name, generated once and shared by all processes. Never log its value."""
    with database.read() as session:
        row = session.get(SecretRow, name)
    if row:
        return row.value
    with database.write() as session:
        serialize(session, f"secret:{name}")
        row = session.get(SecretRow, name)  # another process may have created it since
        if row is None:
            row = SecretRow(name=name, value=secrets.token_urlsafe(SECRET_BYTES), created_at=clock())
            session.add(row)
        return row.value
