"""What each account of a budget has spent, as atomic steps over several accounts. Knows no limits of its own, no prices."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import CursorResult
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select, update

from app.store.database import Database
from app.store.tables import SpendRow


class SpendTable:
    """Sums that all processes share; a reservation is never lost by a crash, it stays spent."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, limits_usd: Mapping[str, float | None], amount_usd: float) -> str | None:
        """Add the amount to every account, or to none; answers the account that has no room, None when done."""
        return await asyncio.to_thread(record_reservation, self._database, limits_usd, amount_usd)

    async def settle(self, accounts: Iterable[str], difference_usd: float) -> None:
        """Set the accounts right by what a call cost more (or less) than was reserved."""
        await asyncio.to_thread(record_settlement, self._database, tuple(accounts), difference_usd)


class _NoRoom(Exception):
    """Undoes the transaction."""

    def __init__(self, account: str) -> None:
        super().__init__(account)
        self.account = account


def record_reservation(
    database: Database, limits_usd: Mapping[str, float | None], amount_usd: float
) -> str | None:
    """`SpendTable.reserve`, in one transaction; accounts in order, so that two of them never wait for each other."""
    try:
        with database.write() as session:
            for account in sorted(limits_usd):
                if not _add(session, account, amount_usd, limits_usd[account]):
                    raise _NoRoom(account)  # noqa: TRY301 - leaving the transaction this way undoes it
    except _NoRoom as error:
        return error.account
    return None


def _add(session: Session, account: str, amount_usd: float, limit_usd: float | None) -> bool:
    if limit_usd is not None and amount_usd > limit_usd:
        return False
    dialect = session.get_bind().dialect.name
    new = postgresql.insert(SpendRow) if dialect == "postgresql" else sqlite.insert(SpendRow)
    now = datetime.now(UTC)
    total = col(SpendRow.spent_usd) + amount_usd
    statement = new.values(account=account, spent_usd=amount_usd, updated_at=now).on_conflict_do_update(
        index_elements=["account"],
        set_={"spent_usd": total, "updated_at": now},
        where=None if limit_usd is None else total <= limit_usd,
    )
    result = session.connection().execute(statement)
    return _rows(result) == 1


def _rows(result: object) -> int:
    return result.rowcount if isinstance(result, CursorResult) else 0


def record_settlement(database: Database, accounts: tuple[str, ...], difference_usd: float) -> None:
    """`SpendTable.settle`, in one transaction."""
    with database.write() as session:
        for account in sorted(accounts):
            session.exec(
                update(SpendRow)
                .where(col(SpendRow.account) == account)
                .values(spent_usd=col(SpendRow.spent_usd) + difference_usd)
            )


def load_spend(database: Database, prefix: str = "") -> dict[str, float]:
    """Account → USD, of the accounts whose names begin with `prefix`, e.g. `repository:7:octo/shop:`."""
    with database.read() as session:
        rows = session.exec(select(SpendRow).where(col(SpendRow.account).startswith(prefix, autoescape=True)))
        return {row.account: row.spent_usd for row in rows}
