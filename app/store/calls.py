"""What each model call reads and writes: cached answers, spend and its row in `model_calls`.

A call's row, spend and answer are written in one transaction, so that none exists without the others.
Every query of cached answers names the tenant, so that no answer crosses repositories.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy import select as select_columns
from sqlmodel import col, delete, select

from app.clock import utc_now
from app.domain.model_call import Booking, CachedAnswer, CallEntry, Provider, Slot, Usage
from app.domain.review import UsageTotal
from app.store.call_tables import CachedAnswerRow, SpendRow
from app.store.columns import Driver, Insert, storable, table_of
from app.store.database import Database
from app.store.model_calls import insert_model_call, load_usage
from app.store.providers import SharedSlots

_ANSWER_COLUMNS = [col(getattr(CachedAnswerRow, name)) for name in CachedAnswerRow.model_fields]
_LOAD_ANSWERS = select_columns(*_ANSWER_COLUMNS).where(
    col(CachedAnswerRow.installation_id) == bindparam("tenant_installation_id"),
    col(CachedAnswerRow.repository) == bindparam("tenant_repository"),
    col(CachedAnswerRow.key).in_(bindparam("keys", expanding=True)),
    col(CachedAnswerRow.expires_at) > bindparam("now"),
)
_REPLACE_ANSWER = Insert(
    table_of(CachedAnswerRow),
    on_conflict="ON CONFLICT (installation_id, repository, key) DO UPDATE SET "
    + ", ".join(
        f"{name} = excluded.{name}"
        for name in CachedAnswerRow.model_fields
        if name not in ("installation_id", "repository", "key")
    ),
)


def load_answers(
    database: Database, installation_id: int, repository: str, keys: Sequence[str], *, now: datetime
) -> dict[str, CachedAnswer]:
    """Return one tenant's unexpired answers by key."""
    if not _is_any_cached(database, installation_id, repository, keys):
        return {}
    tenant = {"tenant_installation_id": installation_id, "tenant_repository": repository}
    with database.read() as session:
        rows = session.connection().execute(_LOAD_ANSWERS, {**tenant, "keys": list(keys), "now": now}).all()
    return {row.key: _answer(row) for row in rows}


def _is_any_cached(database: Database, installation_id: int, repository: str, keys: Sequence[str]) -> bool:
    """Whether to load at all: most requests are new, and the call waits for the lookup."""
    with database.driver(writes=False) as driver:
        placeholders = ", ".join(driver.placeholder for _ in keys)
        return driver.exists(
            f"SELECT 1 FROM cached_answers WHERE installation_id = {driver.placeholder} "  # noqa: S608 - placeholders
            f"AND repository = {driver.placeholder} AND key IN ({placeholders}) LIMIT 1",
            (installation_id, storable(repository), *keys),
        )


def replace_answer(driver: Driver, answer: CachedAnswer) -> None:
    """Write an answer in the caller's transaction, replacing an earlier one."""
    row = {
        "installation_id": answer.installation_id,
        "repository": answer.repository,
        "key": answer.key,
        "provider": answer.provider.value,
        "model": answer.model,
        "prompt_id": answer.prompt_id,
        "prompt_version": answer.prompt_version,
        "answer": answer.value,
        "input_tokens": answer.usage.input_tokens,
        "cached_input_tokens": answer.usage.cached_input_tokens,
        "output_tokens": answer.usage.output_tokens,
        "created_at": answer.created_at,
        "expires_at": answer.expires_at,
    }
    _REPLACE_ANSWER.execute(driver, [row])


def delete_expired_answers(database: Database, *, now: datetime) -> int:
    """Delete expired answers and return their number."""
    with database.write() as session:
        return session.exec(delete(CachedAnswerRow).where(col(CachedAnswerRow.expires_at) <= now)).rowcount


def _answer(row: Any) -> CachedAnswer:  # noqa: ANN401 - a row of `_LOAD_ANSWERS`
    return CachedAnswer(
        installation_id=row.installation_id,
        repository=row.repository,
        key=row.key,
        provider=Provider(row.provider),
        model=row.model,
        prompt_id=row.prompt_id,
        prompt_version=row.prompt_version,
        value=row.answer,
        usage=Usage(
            input_tokens=row.input_tokens,
            cached_input_tokens=row.cached_input_tokens,
            output_tokens=row.output_tokens,
        ),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


_UNLIMITED_USD = 1e15

_ADD_SPEND = "ON CONFLICT (account) DO UPDATE SET spent_usd = spend.spent_usd + excluded.spent_usd, updated_at = excluded.updated_at"
_BOOK = Insert(table_of(SpendRow), on_conflict=_ADD_SPEND)
_RESERVE = Insert(
    table_of(SpendRow),
    on_conflict=f"{_ADD_SPEND}, limit_usd = excluded.limit_usd WHERE spend.spent_usd + excluded.spent_usd <= {{placeholder}}",
)


def record_reservation(
    database: Database, limits_usd: Mapping[str, float | None], amount_usd: float
) -> str | None:
    """Add the amount to every account, or to none; return the account whose limit it would exceed, None on success.

    One transaction updates the accounts in sorted order, so that two transactions cannot deadlock.
    """
    limits = {name: _UNLIMITED_USD if limit is None else limit for name, limit in sorted(limits_usd.items())}
    now = utc_now()
    with database.driver(writes=True) as driver:
        for account, limit_usd in limits.items():
            row = {
                "account": account,
                "spent_usd": amount_usd,
                "updated_at": now,
                "limit_usd": limits_usd[account],
            }
            if amount_usd > limit_usd or not _RESERVE.execute(driver, [row], limit_usd):
                driver.rollback()
                break
        else:
            return None
    return _load_fullest_account(database, limits, amount_usd)


def _load_fullest_account(database: Database, limits_usd: Mapping[str, float], amount_usd: float) -> str:
    with database.read() as session:
        rows = session.exec(select(SpendRow).where(col(SpendRow.account).in_(limits_usd)))
        spent_usd = {row.account: row.spent_usd for row in rows}
    return min(limits_usd, key=lambda name: limits_usd[name] - spent_usd.get(name, 0.0) - amount_usd)


def book_spend(driver: Driver, booking: Booking, *, at: datetime) -> None:
    """Add the difference to the reservation in the caller's transaction; limits do not apply to what was spent."""
    _BOOK.execute(
        driver,
        [
            {"account": account, "spent_usd": booking.difference_usd, "updated_at": at, "limit_usd": None}
            for account in sorted(booking.accounts)
        ],
    )


def delete_old_spend(database: Database, *, before: datetime) -> int:
    """Delete accounts without bookings since `before`, such as last quarter's; return their number."""
    with database.write() as session:
        return session.exec(delete(SpendRow).where(col(SpendRow.updated_at) < before)).rowcount


def load_accounts(database: Database, prefix: str) -> Sequence[SpendRow]:
    """Return the accounts whose names start with `prefix`, e.g. `repository:7:octo/shop:`."""
    with database.read() as session:
        matching = select(SpendRow).where(col(SpendRow.account).startswith(prefix, autoescape=True))
        return session.exec(matching).all()


class CallTables:
    """The tables of the model layer, each query in a worker thread. After a crash, a reservation stays spent."""

    def __init__(self, database: Database, *, slots: SharedSlots | None = None) -> None:
        self._database = database
        self._slots = slots or SharedSlots(database)

    async def load_answers(
        self, installation_id: int, repository: str, keys: Sequence[str], *, now: datetime
    ) -> dict[str, CachedAnswer]:
        """Return one tenant's unexpired answers by key."""
        return await asyncio.to_thread(
            load_answers, self._database, installation_id, repository, keys, now=now
        )

    async def reserve(self, limits_usd: Mapping[str, float | None], amount_usd: float) -> str | None:
        """Add the amount to every account, or to none; return the account whose limit it would exceed."""
        return await asyncio.to_thread(record_reservation, self._database, limits_usd, amount_usd)

    async def take_slot(self, provider: Provider, *, limit: int) -> Slot | None:
        """Take one of the provider's `limit` slots; None if all are taken."""
        return await self._slots.take(provider, limit=limit)

    def release_slot(self, slot: Slot) -> None:
        """Release the slot of a finished call."""
        self._slots.release(slot)

    async def aclose(self) -> None:
        """Release this process's slots."""
        await self._slots.aclose()

    async def record(self, entry: CallEntry) -> None:
        """Write the call's row, spend and answer."""
        await asyncio.to_thread(record_call, self._database, entry)

    async def usage(self, review_id: str) -> UsageTotal:
        """Return the total usage of a review."""
        return await asyncio.to_thread(load_usage, self._database, review_id)


def record_call(database: Database, entry: CallEntry) -> None:
    """Write the call's row, spend and answer in one transaction."""
    with database.driver(writes=True) as driver:
        insert_model_call(driver, entry.call)
        if entry.answer:
            replace_answer(driver, entry.answer)
        if entry.booking:  # last, to hold the account's lock as briefly as possible
            book_spend(driver, entry.booking, at=utc_now())
