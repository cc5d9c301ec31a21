"""The slots of each provider: as many calls to it as it has slots are under way at a time, over all processes.

A slot is a row with one holder, so that there are never more. A process keeps a slot for a moment after its call, so that
calls on end cost no transaction; it renews what it holds, and what a dead one held is free after `TTL`. One that finds no slot
leaves word of it, and the others then give theirs back after each call and let it go first.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import uuid4
from zlib import crc32

from sqlalchemy import ColumnElement
from sqlmodel import col, delete, select, tuple_, update

from app.clock import utc_now
from app.domain.model_call import Provider, Slot
from app.errors import StoreUnavailable
from app.store.database import Database
from app.store.driver import Driver, Insert
from app.store.tables import CallSlotRow, table_of

TTL = timedelta(seconds=20)
UPKEEP_S = 2.0
WORD_TTL = timedelta(seconds=5)
STAND_BACK_S = 0.5

_TAKE = Insert(
    table_of(CallSlotRow),
    on_conflict="ON CONFLICT (provider, number) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at "
    "WHERE call_slots.expires_at <= {place}",
)


class SharedSlots:
    """What one process holds."""

    def __init__(
        self, database: Database, *, upkeep_s: float = UPKEEP_S, stand_back_s: float = STAND_BACK_S
    ) -> None:
        self._database = database
        self._upkeep_s = upkeep_s
        self._stand_back_s = stand_back_s
        self._holder = uuid4().hex
        self._used: set[Slot] = set()
        self._idle: dict[Slot, bool] = {}  # True: since the last look
        self._upkeep: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._returning: set[asyncio.Task[None]] = set()
        self._wanted: set[str] = set()  # providers that other processes wait for
        self._stands_back_until_s: dict[Provider, float] = {}

    async def take(self, provider: Provider, *, most: int) -> Slot | None:
        """One that is idle here, else a free one; None where all are taken."""
        slot = next((each for each in self._idle if each.provider is provider), None)
        if slot is not None:
            del self._idle[slot]
        elif time.monotonic() < self._stands_back_until_s.get(provider, 0.0):
            return None
        else:
            slot = await asyncio.to_thread(
                record_slot_taken, self._database, provider, most=most, holder=self._holder, now=utc_now()
            )
        if slot is not None:
            self._used.add(slot)
            if self._upkeep is None or self._upkeep.done():
                self._upkeep = asyncio.create_task(self._keep_up())
        return slot

    def let_go(self, slot: Slot) -> None:
        """The next call here may have it; at once another process's, where one waits."""
        self._used.discard(slot)
        if slot.provider.value not in self._wanted:
            self._idle[slot] = False
            return
        self._stands_back_until_s[slot.provider] = time.monotonic() + self._stand_back_s
        returning = asyncio.create_task(self._return(slot))
        self._returning.add(returning)
        returning.add_done_callback(self._returning.discard)

    async def _return(self, slot: Slot) -> None:
        with suppress(StoreUnavailable):  # then it is free when it runs out
            await asyncio.to_thread(delete_slots, self._database, [slot], holder=self._holder)

    async def aclose(self) -> None:
        """Give back everything; what cannot be given back now runs out."""
        self._closing.set()
        await asyncio.gather(*self._returning, *([self._upkeep] if self._upkeep else []))
        held = [*self._used, *self._idle]
        if held:
            with suppress(StoreUnavailable):
                await asyncio.to_thread(delete_slots, self._database, held, holder=self._holder)
        self._used, self._idle = set(), {}

    async def _keep_up(self) -> None:
        while self._used or self._idle:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._upkeep_s):
                    await self._closing.wait()
                    return
            unwanted = [slot for slot, is_old in self._idle.items() if is_old]
            self._idle = {slot: True for slot in self._idle if slot not in unwanted}
            kept = [*self._used, *self._idle]
            with suppress(StoreUnavailable):  # the next time may do
                self._wanted = await asyncio.to_thread(self._exchange, kept, unwanted)

    def _exchange(self, kept: Sequence[Slot], unwanted: Sequence[Slot]) -> set[str]:
        now = utc_now()
        if kept:
            record_slots_renewed(self._database, kept, holder=self._holder, now=now)
        if unwanted:
            delete_slots(self._database, unwanted, holder=self._holder)
        return load_wanted(self._database, by_others_than=self._holder, now=now)


def record_slot_taken(
    database: Database, provider: Provider, *, most: int, holder: str, now: datetime
) -> Slot | None:
    """A free one of `most` slots; None where all are taken, with word left that this one waits."""
    with database.driver(writes=True) as driver:
        taken = _load_taken(driver, provider, now)
        for number in range(most):
            row = {"provider": provider.value, "number": number, "holder": holder, "expires_at": now + TTL}
            if number not in taken and _TAKE.execute(driver, [row], driver.moment(now)):
                return Slot(provider=provider, number=number)
        word = {"number": -1 - crc32(holder.encode()), "provider": provider.value, "holder": holder}
        _TAKE.execute(driver, [{**word, "expires_at": now + WORD_TTL}], driver.moment(now))
    return None


def load_wanted(database: Database, *, by_others_than: str, now: datetime) -> set[str]:
    """The providers for which other processes have found no slot of late."""
    with database.read() as session:
        return set(
            session.exec(
                select(CallSlotRow.provider).where(
                    col(CallSlotRow.number) < 0,
                    col(CallSlotRow.holder) != by_others_than,
                    col(CallSlotRow.expires_at) > now,
                )
            )
        )


def _load_taken(driver: Driver, provider: Provider, now: datetime) -> set[int]:
    here = driver.place
    sql = f"SELECT number FROM call_slots WHERE provider = {here} AND expires_at > {here}"  # noqa: S608 - the placeholder is the driver's, no value
    return {row[0] for row in driver.rows(sql, (provider.value, driver.moment(now)))}


def record_slots_renewed(database: Database, slots: Sequence[Slot], *, holder: str, now: datetime) -> None:
    """They are the holder's for another `TTL`."""
    with database.write() as session:
        session.exec(update(CallSlotRow).where(*_of(slots, holder)).values(expires_at=now + TTL))


def delete_slots(database: Database, slots: Sequence[Slot], *, holder: str) -> None:
    """They are free, unless they are another's by now."""
    with database.write() as session:
        session.exec(delete(CallSlotRow).where(*_of(slots, holder)))


def _of(slots: Sequence[Slot], holder: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    names = [(slot.provider.value, slot.number) for slot in slots]
    key = tuple_(col(CallSlotRow.provider), col(CallSlotRow.number))
    return key.in_(names), col(CallSlotRow.holder) == holder
