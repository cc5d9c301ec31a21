"""Rows of `circuits`: providers that are out, as all processes know them. A row that is there is open or waits for its probe."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import col, delete, select, update

from app.domain.model_call import CircuitName, CircuitState, Provider
from app.store.database import Database
from app.store.driver import Insert
from app.store.tables import CircuitRow, table_of

_OPEN = Insert(
    table_of(CircuitRow),
    on_conflict="ON CONFLICT (provider, model, access) DO UPDATE SET kind = excluded.kind, error = excluded.error, "
    "opened_at = excluded.opened_at, open_until = excluded.open_until",
)


class CircuitTable:
    """The table as the model layer asks it, each time in a worker thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Sequence[CircuitState]:
        """Everything that is open."""
        return await asyncio.to_thread(load_circuits, self._database)

    async def record_open(self, state: CircuitState) -> None:
        """It is open, in place of what was said before."""
        await asyncio.to_thread(record_open, self._database, state)

    async def claim_probe(self, name: CircuitName, *, now: datetime, until: datetime) -> bool:
        """Keep it open until a moment, if its time is over and nobody else has done that; whether this one did."""
        return await asyncio.to_thread(record_probe, self._database, name, now=now, until=until)

    async def record_closed(self, name: CircuitName, *, begun_at: datetime) -> None:
        """It is closed, unless it was opened after the attempt that says so began."""
        await asyncio.to_thread(record_closed, self._database, name, begun_at=begun_at)


def load_circuits(database: Database) -> list[CircuitState]:
    """All rows; there are few."""
    with database.read() as session:
        rows = list(session.exec(select(CircuitRow)))
    return [
        CircuitState(
            name=CircuitName(provider=Provider(row.provider), model=row.model or None, access=row.access),
            kind=row.kind,
            error=row.error,
            opened_at=row.opened_at,
            open_until=row.open_until,
        )
        for row in rows
    ]


def record_open(database: Database, state: CircuitState) -> None:
    """The row, in place of an earlier one."""
    row = {
        "provider": state.name.provider.value,
        "model": state.name.model or "",
        "access": state.name.access,
        "kind": state.kind,
        "error": state.error,
        "opened_at": state.opened_at,
        "open_until": state.open_until,
    }
    with database.driver(writes=True) as driver:
        _OPEN.execute(driver, [row])


def record_probe(database: Database, name: CircuitName, *, now: datetime, until: datetime) -> bool:
    """Of many who grasp at once only one gets it: it is open for the others until it is probed."""
    due = (*_is(name), col(CircuitRow.open_until) <= now)
    with database.write() as session:
        return session.exec(update(CircuitRow).where(*due).values(open_until=until)).rowcount > 0


def record_closed(database: Database, name: CircuitName, *, begun_at: datetime) -> None:
    """No row any more, but one that is newer than what is known."""
    with database.write() as session:
        session.exec(delete(CircuitRow).where(*_is(name), col(CircuitRow.opened_at) <= begun_at))


def _is(name: CircuitName) -> tuple[ColumnElement[bool], ...]:
    return (
        col(CircuitRow.provider) == name.provider.value,
        col(CircuitRow.model) == (name.model or ""),
        col(CircuitRow.access) == name.access,
    )


def delete_old_circuits(database: Database, *, before: datetime) -> None:
    """Circuits that nobody has probed since a moment."""
    with database.write() as session:
        session.exec(delete(CircuitRow).where(col(CircuitRow.open_until) < before))
