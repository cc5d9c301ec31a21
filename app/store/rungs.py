"""The table of rungs: how each model is asked for JSON, shared by all processes (`app.llm.ladder`)."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import col, delete, select

from app.domain.model_call import Provider, Rung, RungName, RungState
from app.store.call_tables import RungRow
from app.store.columns import Insert, table_of
from app.store.database import Database

_RECORD = Insert(
    table_of(RungRow),
    on_conflict="ON CONFLICT (provider, model, schema_digest, access) DO UPDATE SET rung = excluded.rung, "
    "error = excluded.error, expires_at = excluded.expires_at",
)


class RungTable:
    """The table of rungs, each query in a worker thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Sequence[RungState]:
        """Return all rungs, including expired ones."""
        return await asyncio.to_thread(load_rungs, self._database)

    async def record(self, state: RungState) -> None:
        """Store a rung, replacing an earlier one of the same name."""
        await asyncio.to_thread(record_rung, self._database, state)


def load_rungs(database: Database) -> list[RungState]:
    """Return all rungs, including expired ones; a rung of a later version counts as none."""
    with database.read() as session:
        rows = list(session.exec(select(RungRow)))
    known = {rung.value for rung in Rung}
    return [
        RungState(
            name=RungName(
                provider=Provider(row.provider),
                model=row.model,
                schema=row.schema_digest,
                access=row.access,
            ),
            rung=Rung(row.rung),
            error=row.error,
            expires_at=row.expires_at,
        )
        for row in rows
        if row.rung in known
    ]


def record_rung(database: Database, state: RungState) -> None:
    """Store a rung, replacing an earlier one of the same name."""
    row = {
        "provider": state.name.provider.value,
        "model": state.name.model,
        "schema_digest": state.name.schema,
        "access": state.name.access,
        "rung": state.rung.value,
        "error": state.error,
        "expires_at": state.expires_at,
    }
    with database.driver(writes=True) as driver:
        _RECORD.execute(driver, [row])


def delete_old_rungs(database: Database, *, before: datetime) -> None:
    """Delete the rungs that expired before `before`."""
    with database.write() as session:
        session.exec(delete(RungRow).where(col(RungRow.expires_at) < before))
