"""The places of each provider: as many calls to it as it has places are under way at a time, over all processes.

A place is a row with one holder, so that there are never more. A process keeps a place for a moment after its call, so that
calls on end cost no transaction; it renews what it holds, and what a dead one held is free after `TTL`. One that finds no place
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
from app.domain.model_call import Place, Provider
from app.errors import StoreUnavailable
from app.store.database import Database
from app.store.driver import Driver, Insert
from app.store.tables import CallPlaceRow, table_of

TTL = timedelta(seconds=20)
UPKEEP_S = 2.0
WORD_TTL = timedelta(seconds=5)
STAND_BACK_S = 0.5

_TAKE = Insert(
    table_of(CallPlaceRow),
    on_conflict="ON CONFLICT (provider, number) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at "
    "WHERE call_places.expires_at <= {place}",
)


class Places:
    """What one process holds."""

    def __init__(
        self, database: Database, *, upkeep_s: float = UPKEEP_S, stand_back_s: float = STAND_BACK_S
    ) -> None:
        self._database = database
        self._upkeep_s = upkeep_s
        self._stand_back_s = stand_back_s
        self._holder = uuid4().hex
        self._used: set[Place] = set()
        self._idle: dict[Place, bool] = {}  # True: since the last look
        self._upkeep: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._returning: set[asyncio.Task[None]] = set()
        self._wanted: set[str] = set()  # providers that other processes wait for
        self._stands_back_until_s: dict[Provider, float] = {}

    async def take(self, provider: Provider, *, most: int) -> Place | None:
        """One that is idle here, else a free one; None where all are taken."""
        place = next((each for each in self._idle if each.provider is provider), None)
        if place is not None:
            del self._idle[place]
        elif time.monotonic() < self._stands_back_until_s.get(provider, 0.0):
            return None
        else:
            place = await asyncio.to_thread(
                record_place_taken, self._database, provider, most=most, holder=self._holder, now=utc_now()
            )
        if place is not None:
            self._used.add(place)
            if self._upkeep is None or self._upkeep.done():
                self._upkeep = asyncio.create_task(self._keep_up())
        return place

    def let_go(self, place: Place) -> None:
        """The next call here may have it; at once another process's, where one waits."""
        self._used.discard(place)
        if place.provider.value not in self._wanted:
            self._idle[place] = False
            return
        self._stands_back_until_s[place.provider] = time.monotonic() + self._stand_back_s
        returning = asyncio.create_task(self._return(place))
        self._returning.add(returning)
        returning.add_done_callback(self._returning.discard)

    async def _return(self, place: Place) -> None:
        with suppress(StoreUnavailable):  # then it is free when it runs out
            await asyncio.to_thread(delete_places, self._database, [place], holder=self._holder)

    async def aclose(self) -> None:
        """Give back everything; what cannot be given back now runs out."""
        self._closing.set()
        await asyncio.gather(*self._returning, *([self._upkeep] if self._upkeep else []))
        held = [*self._used, *self._idle]
        if held:
            with suppress(StoreUnavailable):
                await asyncio.to_thread(delete_places, self._database, held, holder=self._holder)
        self._used, self._idle = set(), {}

    async def _keep_up(self) -> None:
        while self._used or self._idle:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._upkeep_s):
                    await self._closing.wait()
                    return
            unwanted = [place for place, is_old in self._idle.items() if is_old]
            self._idle = {place: True for place in self._idle if place not in unwanted}
            kept = [*self._used, *self._idle]
            with suppress(StoreUnavailable):  # the next time may do
                self._wanted = await asyncio.to_thread(self._exchange, kept, unwanted)

    def _exchange(self, kept: Sequence[Place], unwanted: Sequence[Place]) -> set[str]:
        now = utc_now()
        if kept:
            record_places_renewed(self._database, kept, holder=self._holder, now=now)
        if unwanted:
            delete_places(self._database, unwanted, holder=self._holder)
        return load_wanted(self._database, by_others_than=self._holder, now=now)


def record_place_taken(
    database: Database, provider: Provider, *, most: int, holder: str, now: datetime
) -> Place | None:
    """A free one of `most` places; None where all are taken, with word left that this one waits."""
    with database.driver(writes=True) as driver:
        taken = _load_taken(driver, provider, now)
        for number in range(most):
            row = {"provider": provider.value, "number": number, "holder": holder, "expires_at": now + TTL}
            if number not in taken and _TAKE.execute(driver, [row], driver.moment(now)):
                return Place(provider=provider, number=number)
        word = {"number": -1 - crc32(holder.encode()), "provider": provider.value, "holder": holder}
        _TAKE.execute(driver, [{**word, "expires_at": now + WORD_TTL}], driver.moment(now))
    return None


def load_wanted(database: Database, *, by_others_than: str, now: datetime) -> set[str]:
    """The providers for which other processes have found no place of late."""
    with database.read() as session:
        return set(
            session.exec(
                select(CallPlaceRow.provider).where(
                    col(CallPlaceRow.number) < 0,
                    col(CallPlaceRow.holder) != by_others_than,
                    col(CallPlaceRow.expires_at) > now,
                )
            )
        )


def _load_taken(driver: Driver, provider: Provider, now: datetime) -> set[int]:
    here = driver.place
    sql = f"SELECT number FROM call_places WHERE provider = {here} AND expires_at > {here}"  # noqa: S608
    return {row[0] for row in driver.rows(sql, (provider.value, driver.moment(now)))}


def record_places_renewed(database: Database, places: Sequence[Place], *, holder: str, now: datetime) -> None:
    """They are the holder's for another `TTL`."""
    with database.write() as session:
        session.exec(update(CallPlaceRow).where(*_of(places, holder)).values(expires_at=now + TTL))


def delete_places(database: Database, places: Sequence[Place], *, holder: str) -> None:
    """They are free, unless they are another's by now."""
    with database.write() as session:
        session.exec(delete(CallPlaceRow).where(*_of(places, holder)))


def _of(places: Sequence[Place], holder: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    names = [(place.provider.value, place.number) for place in places]
    key = tuple_(col(CallPlaceRow.provider), col(CallPlaceRow.number))
    return key.in_(names), col(CallPlaceRow.holder) == holder
