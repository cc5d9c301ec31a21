"""What each account of a budget has spent, as atomic steps over several accounts. Knows no limits of its own, no prices."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import col, delete, select

from app.clock import utc_now
from app.domain.model_call import Booking
from app.store.database import Database
from app.store.driver import Driver, Insert
from app.store.tables import SpendRow, table_of

_UNLIMITED_USD = 1e15

_INTO = "ON CONFLICT (account) DO UPDATE SET spent_usd = spend.spent_usd + excluded.spent_usd, updated_at = excluded.updated_at"
_BOOK = Insert(table_of(SpendRow), on_conflict=_INTO)
_RESERVE = Insert(
    table_of(SpendRow),
    on_conflict=f"{_INTO}, limit_usd = excluded.limit_usd WHERE spend.spent_usd + excluded.spent_usd <= {{place}}",
)


class _NoRoom(Exception):
    """Undoes the transaction."""


def record_reservation(
    database: Database, limits_usd: Mapping[str, float | None], amount_usd: float
) -> str | None:
    """Add the amount to every account, or to none; answers the account that has no room, None when done.

    One transaction; accounts in order, so that two of them never wait for each other.
    """
    now = utc_now()
    try:
        with database.driver(writes=True) as driver:
            for account, limit_usd in sorted(limits_usd.items()):
                row = {
                    "account": account,
                    "spent_usd": amount_usd,
                    "updated_at": now,
                    "limit_usd": limit_usd,
                }
                most_usd = _most(limit_usd)
                if amount_usd > most_usd or not _RESERVE.execute(driver, [row], most_usd):
                    raise _NoRoom  # noqa: TRY301 - leaving the transaction this way undoes it
    except _NoRoom:
        return _without_room(
            database, [(name, _most(limit)) for name, limit in limits_usd.items()], amount_usd
        )
    return None


def _most(limit_usd: float | None) -> float:
    return _UNLIMITED_USD if limit_usd is None else limit_usd


def _without_room(database: Database, accounts: Sequence[tuple[str, float]], amount_usd: float) -> str:
    """The account that has the least room."""
    names = [account for account, _ in accounts]
    with database.read() as session:
        rows = session.exec(select(SpendRow).where(col(SpendRow.account).in_(names)))
        spent_usd = {row.account: row.spent_usd for row in rows}
    return min(accounts, key=lambda each: each[1] - spent_usd.get(each[0], 0.0) - amount_usd)[0]


def book_spend(driver: Driver, booking: Booking, *, at: datetime) -> None:
    """Set accounts right, in the transaction of `app.store.call_tables`; no limit holds back what was spent."""
    _BOOK.execute(
        driver,
        [
            {"account": account, "spent_usd": booking.difference_usd, "updated_at": at, "limit_usd": None}
            for account in sorted(booking.accounts)
        ],
    )


def delete_old_spend(database: Database, *, before: datetime) -> int:
    """Forget accounts that nothing was booked on since a moment, e.g. last quarter's; how many there were."""
    with database.write() as session:
        return session.exec(delete(SpendRow).where(col(SpendRow.updated_at) < before)).rowcount


def load_spend(database: Database, prefix: str = "") -> dict[str, float]:
    """Account → USD, of the accounts whose names begin with `prefix`, e.g. `repository:7:octo/shop:`."""
    return {row.account: row.spent_usd for row in load_accounts(database, prefix)}


def load_accounts(database: Database, prefix: str) -> Sequence[SpendRow]:
    """The accounts whose names begin with `prefix`, with the limits that held."""
    with database.read() as session:
        matching = select(SpendRow).where(col(SpendRow.account).startswith(prefix, autoescape=True))
        return session.exec(matching).all()
