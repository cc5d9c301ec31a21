"""State that processes share for each provider: slots for calls, and open circuit breakers.

At most as many calls to a provider run at a time as it has slots, across all processes. A slot is a row with one holder.
A process keeps a slot for a moment after its call, so that successive calls need no transaction, and renews the slots it
holds; the slots of a dead process expire after `SLOT_TTL`. A process that finds no free slot leaves a request, and the
others then release their slots after each call and pause for a moment.
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
from app.domain.model_call import CircuitName, CircuitState, Provider, Slot
from app.errors import StoreUnavailable
from app.store.call_tables import CallSlotRow, CircuitRow
from app.store.columns import Driver, Insert, table_of
from app.store.database import Database

SLOT_TTL = timedelta(seconds=20)
RENEWAL_S = 2.0
REQUEST_TTL = timedelta(seconds=5)
PAUSE_S = 0.5

_TAKE = Insert(
    table_of(CallSlotRow),
    on_conflict="ON CONFLICT (provider, number) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at "
    "WHERE call_slots.expires_at <= {placeholder}",
)


class SharedSlots:
    """The slots that this process holds."""

    def __init__(self, database: Database, *, renewal_s: float = RENEWAL_S, pause_s: float = PAUSE_S) -> None:
        self._database = database
        self._renewal_s = renewal_s
        self._pause_s = pause_s
        self._holder = uuid4().hex
        self._used: set[Slot] = set()
        self._idle: dict[Slot, bool] = {}  # True: already idle at the last renewal
        self._renewal: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._releases: set[asyncio.Task[None]] = set()
        self._requested: set[str] = set()  # providers for which other processes wait
        self._pause_until_s: dict[Provider, float] = {}

    async def take(self, provider: Provider, *, limit: int) -> Slot | None:
        """Take an idle slot of this process, or a free one; None if all `limit` slots are taken."""
        slot = next((each for each in self._idle if each.provider is provider), None)
        if slot is not None:
            del self._idle[slot]
        elif time.monotonic() < self._pause_until_s.get(provider, 0.0):
            return None
        else:
            slot = await asyncio.to_thread(
                record_slot_taken, self._database, provider, limit=limit, holder=self._holder, now=utc_now()
            )
        if slot is not None:
            self._used.add(slot)
            if self._renewal is None or self._renewal.done():
                self._renewal = asyncio.create_task(self._renew_until_idle())
        return slot

    def release(self, slot: Slot) -> None:
        """Keep the slot for this process's next call, or release it if another process waits."""
        self._used.discard(slot)
        if slot.provider.value not in self._requested:
            self._idle[slot] = False
            return
        self._pause_until_s[slot.provider] = time.monotonic() + self._pause_s
        release = asyncio.create_task(self._release(slot))
        self._releases.add(release)
        release.add_done_callback(self._releases.discard)

    async def _release(self, slot: Slot) -> None:
        with suppress(StoreUnavailable):  # the slot then expires
            await asyncio.to_thread(delete_slots, self._database, [slot], holder=self._holder)

    async def aclose(self) -> None:
        """Release every slot; those that cannot be released now expire."""
        self._closing.set()
        await asyncio.gather(*self._releases, *([self._renewal] if self._renewal else []))
        held = [*self._used, *self._idle]
        if held:
            with suppress(StoreUnavailable):
                await asyncio.to_thread(delete_slots, self._database, held, holder=self._holder)
        self._used, self._idle = set(), {}

    async def _renew_until_idle(self) -> None:
        while self._used or self._idle:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._renewal_s):
                    await self._closing.wait()
                    return
            unused = [slot for slot, was_idle in self._idle.items() if was_idle]
            self._idle = {slot: True for slot in self._idle if slot not in unused}
            kept = [*self._used, *self._idle]
            with suppress(StoreUnavailable):  # the next renewal may succeed
                self._requested = await asyncio.to_thread(self._renew, kept, unused)

    def _renew(self, kept: Sequence[Slot], unused: Sequence[Slot]) -> set[str]:
        now = utc_now()
        if kept:
            record_slots_renewed(self._database, kept, holder=self._holder, now=now)
        if unused:
            delete_slots(self._database, unused, holder=self._holder)
        return load_slot_requests(self._database, except_of=self._holder, now=now)


def record_slot_taken(
    database: Database, provider: Provider, *, limit: int, holder: str, now: datetime
) -> Slot | None:
    """Take a free one of `limit` slots; if all are taken, leave a request and return None."""
    with database.driver(writes=True) as driver:
        taken = _load_taken(driver, provider, now)
        for number in range(limit):
            row = {
                "provider": provider.value,
                "number": number,
                "holder": holder,
                "expires_at": now + SLOT_TTL,
            }
            if number not in taken and _TAKE.execute(driver, [row], driver.timestamp(now)):
                return Slot(provider=provider, number=number)
        request = {"number": -1 - crc32(holder.encode()), "provider": provider.value, "holder": holder}
        _TAKE.execute(driver, [{**request, "expires_at": now + REQUEST_TTL}], driver.timestamp(now))
    return None


def load_slot_requests(database: Database, *, except_of: str, now: datetime) -> set[str]:
    """Return the providers for which other processes wait for a slot."""
    with database.read() as session:
        return set(
            session.exec(
                select(CallSlotRow.provider).where(
                    col(CallSlotRow.number) < 0,
                    col(CallSlotRow.holder) != except_of,
                    col(CallSlotRow.expires_at) > now,
                )
            )
        )


def _load_taken(driver: Driver, provider: Provider, now: datetime) -> set[int]:
    value = driver.placeholder
    sql = f"SELECT number FROM call_slots WHERE provider = {value} AND expires_at > {value}"  # noqa: S608 - placeholders
    return {row[0] for row in driver.rows(sql, (provider.value, driver.timestamp(now)))}


def record_slots_renewed(database: Database, slots: Sequence[Slot], *, holder: str, now: datetime) -> None:
    """Renew the holder's slots for `SLOT_TTL`."""
    with database.write() as session:
        session.exec(update(CallSlotRow).where(*_are_held(slots, holder)).values(expires_at=now + SLOT_TTL))


def delete_slots(database: Database, slots: Sequence[Slot], *, holder: str) -> None:
    """Release the holder's slots, except those that another process has taken since."""
    with database.write() as session:
        session.exec(delete(CallSlotRow).where(*_are_held(slots, holder)))


def _are_held(slots: Sequence[Slot], holder: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    names = [(slot.provider.value, slot.number) for slot in slots]
    key = tuple_(col(CallSlotRow.provider), col(CallSlotRow.number))
    return key.in_(names), col(CallSlotRow.holder) == holder


_OPEN = Insert(
    table_of(CircuitRow),
    on_conflict="ON CONFLICT (provider, model, access) DO UPDATE SET kind = excluded.kind, error = excluded.error, "
    "opened_at = excluded.opened_at, open_until = excluded.open_until",
)


class CircuitTable:
    """The table of open circuit breakers, each query in a worker thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self) -> Sequence[CircuitState]:
        """Return every open circuit breaker."""
        return await asyncio.to_thread(load_circuits, self._database)

    async def record_open(self, state: CircuitState) -> None:
        """Open the circuit breaker, replacing an earlier state."""
        await asyncio.to_thread(record_circuit_open, self._database, state)

    async def claim_probe(self, name: CircuitName, *, now: datetime, until: datetime) -> bool:
        """Claim the probe if it is due and unclaimed: keep the circuit breaker open for others until `until`."""
        return await asyncio.to_thread(record_circuit_probe, self._database, name, now=now, until=until)

    async def record_closed(self, name: CircuitName, *, begun_at: datetime) -> None:
        """Close the circuit breaker, unless it was opened after the successful attempt began."""
        await asyncio.to_thread(record_circuit_closed, self._database, name, begun_at=begun_at)


def load_circuits(database: Database) -> list[CircuitState]:
    """Return every open circuit breaker."""
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


def record_circuit_open(database: Database, state: CircuitState) -> None:
    """Open the circuit breaker, replacing an earlier state."""
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


def record_circuit_probe(database: Database, name: CircuitName, *, now: datetime, until: datetime) -> bool:
    """Claim the probe if it is due; of several concurrent claims only one succeeds."""
    due = (*_is_named(name), col(CircuitRow.open_until) <= now)
    with database.write() as session:
        return session.exec(update(CircuitRow).where(*due).values(open_until=until)).rowcount > 0


def record_circuit_closed(database: Database, name: CircuitName, *, begun_at: datetime) -> None:
    """Close the circuit breaker, unless it was opened after `begun_at`."""
    with database.write() as session:
        session.exec(delete(CircuitRow).where(*_is_named(name), col(CircuitRow.opened_at) <= begun_at))


def _is_named(name: CircuitName) -> tuple[ColumnElement[bool], ...]:
    return (
        col(CircuitRow.provider) == name.provider.value,
        col(CircuitRow.model) == (name.model or ""),
        col(CircuitRow.access) == name.access,
    )


def delete_old_circuits(database: Database, *, before: datetime) -> None:
    """Delete circuit breakers that no process has probed since `before`."""
    with database.write() as session:
        session.exec(delete(CircuitRow).where(col(CircuitRow.open_until) < before))
