"""The tables of the model layer as its one store: one look-up and one transaction a call, each in one worker thread.

What a call leaves is written together, so that no answer is kept, and no money booked, for a call without a row.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from app.clock import utc_now
from app.domain.model_call import CachedAnswer, CallEntry, Provider, Slot
from app.domain.review import UsageTotal
from app.store.answers import load_answers, replace_answer
from app.store.database import Database
from app.store.model_calls import insert_model_call, load_usage
from app.store.slots import SharedSlots
from app.store.spend import book_spend, record_reservation


class CallTables:
    """Rows, answers and spend that all processes share; a reservation is never lost by a crash, it stays spent."""

    def __init__(self, database: Database, *, slots: SharedSlots | None = None) -> None:
        self._database = database
        self._slots = slots or SharedSlots(database)

    async def load_answers(
        self, installation_id: int, repository: str, keys: Sequence[str], *, now: datetime
    ) -> dict[str, CachedAnswer]:
        """The tenant's answers to these keys that are there and have not expired."""
        return await asyncio.to_thread(
            load_answers, self._database, installation_id, repository, keys, now=now
        )

    async def reserve(self, limits_usd: Mapping[str, float | None], amount_usd: float) -> str | None:
        """Add the amount to every account, or to none; answers the account that has no room, None when done."""
        return await asyncio.to_thread(record_reservation, self._database, limits_usd, amount_usd)

    async def take_slot(self, provider: Provider, *, most: int) -> Slot | None:
        """A free one of a provider's slots, or one that this process still has."""
        return await self._slots.take(provider, most=most)

    def let_go(self, slot: Slot) -> None:
        """The call of a slot has ended."""
        self._slots.let_go(slot)

    async def aclose(self) -> None:
        """Give back this process's slots."""
        await self._slots.aclose()

    async def record(self, entry: CallEntry) -> None:
        """Write what a call leaves."""
        await asyncio.to_thread(record_call, self._database, entry)

    async def usage(self, review_id: str) -> UsageTotal:
        """Sum over the rows of a review."""
        return await asyncio.to_thread(load_usage, self._database, review_id)


def record_call(database: Database, entry: CallEntry) -> None:
    """The row, what was spent and the answer, in one transaction."""
    with database.driver(writes=True) as driver:
        insert_model_call(driver, entry.call)
        if entry.answer:
            replace_answer(driver, entry.answer)
        if entry.booking:  # last: whoever waits for an account waits for the shortest time
            book_spend(driver, entry.booking, at=utc_now())
