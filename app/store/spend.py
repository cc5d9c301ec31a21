"""What each account of a budget has spent, as atomic steps over several accounts. Knows no limits of its own, no prices."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, Float, bindparam, text
from sqlmodel import col, delete, select

from app.domain.model_call import Booking
from app.store.columns import AnyText, UtcDateTime
from app.store.database import Database
from app.store.tables import SpendRow

_UNLIMITED_USD = 1e15

_ADD = text(
    """
    INSERT INTO spend (account, spent_usd, updated_at) VALUES (:account, :amount_usd, :now)
    ON CONFLICT (account) DO UPDATE SET spent_usd = spend.spent_usd + :amount_usd, updated_at = :now
    WHERE spend.spent_usd + :amount_usd <= :limit_usd
    """
).bindparams(
    bindparam("account", type_=AnyText()),
    bindparam("amount_usd", type_=Float()),
    bindparam("limit_usd", type_=Float()),
    bindparam("now", type_=UtcDateTime()),
)


class _NoRoom(Exception):
    """Undoes the transaction."""


def record_reservation(
    database: Database, limits_usd: Mapping[str, float | None], amount_usd: float
) -> str | None:
    """Add the amount to every account, or to none; answers the account that has no room, None when done.

    One transaction; accounts in order, so that two of them never wait for each other.
    """
    accounts = [
        (account, _UNLIMITED_USD if limit_usd is None else limit_usd)
        for account, limit_usd in limits_usd.items()
    ]
    try:
        with database.write() as session:
            if not all(amount_usd <= limit_usd for _, limit_usd in accounts):
                raise _NoRoom  # noqa: TRY301 - leaving the transaction this way undoes it
            if _add(session.connection(), accounts, amount_usd, at=datetime.now(UTC)) != len(accounts):
                raise _NoRoom  # noqa: TRY301
    except _NoRoom:
        return _without_room(database, accounts, amount_usd)
    return None


def _add(
    connection: Connection, accounts: Sequence[tuple[str, float]], amount_usd: float, *, at: datetime
) -> int:
    """How many of the accounts took the amount; always in the same order, see `record_reservation`."""
    values = [
        {"account": account, "amount_usd": amount_usd, "limit_usd": limit_usd, "now": at}
        for account, limit_usd in sorted(accounts)
    ]
    return connection.execute(_ADD, values).rowcount


def _without_room(database: Database, accounts: Sequence[tuple[str, float]], amount_usd: float) -> str:
    """The account that has the least room."""
    names = [account for account, _ in accounts]
    with database.read() as session:
        rows = session.exec(select(SpendRow).where(col(SpendRow.account).in_(names)))
        spent_usd = {row.account: row.spent_usd for row in rows}
    return min(accounts, key=lambda each: each[1] - spent_usd.get(each[0], 0.0) - amount_usd)[0]


def book_spend(connection: Connection, booking: Booking, *, at: datetime) -> None:
    """Set accounts right, in the transaction of `app.store.call_tables`; no limit holds back what was spent."""
    _add(
        connection, [(account, _UNLIMITED_USD) for account in booking.accounts], booking.difference_usd, at=at
    )


def delete_old_spend(database: Database, *, before: datetime) -> int:
    """Forget accounts that nothing was booked on since a moment, e.g. last quarter's; how many there were."""
    with database.write() as session:
        return session.exec(delete(SpendRow).where(col(SpendRow.updated_at) < before)).rowcount


def load_spend(database: Database, prefix: str = "") -> dict[str, float]:
    """Account → USD, of the accounts whose names begin with `prefix`, e.g. `repository:7:octo/shop:`."""
    with database.read() as session:
        rows = session.exec(select(SpendRow).where(col(SpendRow.account).startswith(prefix, autoescape=True)))
        return {row.account: row.spent_usd for row in rows}
