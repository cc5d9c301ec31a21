"""Shares circuits between processes within seconds: a refused key, an exhausted quota, a Retry-After, and a recovery.

An open circuit is a row. One process claims the row to probe the provider; closing the circuit deletes the row. If the
table is unavailable, each process logs that and uses only its own circuits. `app.llm.circuits` makes the decisions.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from app.clock import Clock
from app.domain.model_call import CircuitName, CircuitState, Provider
from app.errors import ModelError, ModelUnavailable, StoreUnavailable
from app.llm.circuits import OPEN_S, Circuits, CircuitTrip, Key
from app.llm.failures import POLICY, CircuitEffect, policy_for

REFRESH_S = 2.0

log = logging.getLogger("quorum.llm")

_KINDS = {kind.__name__: kind for kind in POLICY}


class CircuitStore(Protocol):
    """The table through which processes share circuits (`app.store.providers`)."""

    async def load(self) -> Sequence[CircuitState]:
        """Load all open circuits."""
        ...

    async def record_open(self, state: CircuitState) -> None:
        """Store an open circuit, replacing any earlier state."""
        ...

    async def claim_probe(self, name: CircuitName, *, now: datetime, until: datetime) -> bool:
        """Claim the probe of a circuit whose time is up and keep it open until `until`; returns whether that succeeded."""
        ...

    async def record_closed(self, name: CircuitName, *, begun_at: datetime) -> None:
        """Delete a circuit, unless it opened after the successful attempt started."""
        ...


class SharedCircuits:
    """This process's circuits, synchronized with those of other processes; without a `store` there are none.

    `access` is a digest of each provider's key and address.
    """

    def __init__(
        self,
        circuits: Circuits,
        *,
        store: CircuitStore | None,
        access: Mapping[Provider, str],
        clock: Clock,
    ) -> None:
        self.local = circuits
        self._store = store
        self._access = access
        self._clock = clock
        self._lock = asyncio.Lock()
        self._fresh_until_s = float("-inf")
        self._in_table: dict[Key, float] = {}  # when each row was last known to exist

    async def refresh(self) -> None:
        """Load the other processes' circuits unless that happened recently; concurrent callers wait for one load."""
        if self._store is None or self._clock.monotonic_s() < self._fresh_until_s:
            return
        async with self._lock:
            if self._clock.monotonic_s() >= self._fresh_until_s:
                await self._load(self._store)
                self._fresh_until_s = self._clock.monotonic_s() + REFRESH_S

    async def begin(self, provider: Provider, model: str) -> bool:
        """Start an attempt; False if another process is already probing the circuit."""
        for key in self.local.half_open(provider, model):
            if key in self._in_table and not await self._claim(key):
                self.local.begin(provider, model)  # until the next refresh
                self._fresh_until_s = float("-inf")
                await self.refresh()
                return False
        self.local.begin(provider, model)
        return True

    async def succeed(self, provider: Provider, model: str, *, started_at_s: float) -> None:
        """Record that an attempt was answered."""
        for key in self.local.succeed(provider, model, started_at_s=started_at_s):
            await self._share_closed(key, started_at_s)

    async def fail(self, provider: Provider, model: str, error: ModelError, *, started_at_s: float) -> None:
        """Record that an attempt failed."""
        match policy_for(error).circuit:
            case CircuitEffect.LEAVE:
                return
            case CircuitEffect.CLOSE:
                await self.succeed(provider, model, started_at_s=started_at_s)
            case CircuitEffect.COUNT | CircuitEffect.OPEN | CircuitEffect.OPEN_MODEL:
                if opened := self.local.fail(provider, model, error):
                    await self._share_open(opened)

    async def _load(self, store: CircuitStore) -> None:
        started_at_s = self._clock.monotonic_s()
        try:
            states = await store.load()
        except StoreUnavailable as error:
            _log_unshared(error)
            return
        found = [
            self._opened(state)
            for state in states
            if self._access.get(state.name.provider) == state.name.access
        ]
        for opened in found:
            self.local.adopt(opened)
            self._in_table[opened.key] = started_at_s
        missing = self._in_table.keys() - {opened.key for opened in found}
        for key in missing:
            if self._in_table[key] < started_at_s:  # otherwise it was written during the load
                del self._in_table[key]
                self.local.forget(key)

    async def _claim(self, key: Key) -> bool:
        if self._store is None:
            return True
        now = self._clock.now()
        try:
            return await self._store.claim_probe(
                self._name(key), now=now, until=now + timedelta(seconds=OPEN_S)
            )
        except StoreUnavailable as error:
            _log_unshared(error)
            return True

    async def _share_open(self, opened: CircuitTrip) -> None:
        if self._store is None:
            return
        try:
            await self._store.record_open(
                CircuitState(
                    name=self._name(opened.key),
                    kind=type(opened.error).__name__,
                    error=str(opened.error),
                    opened_at=self._moment(opened.opened_at_s),
                    open_until=self._moment(opened.open_until_s),
                )
            )
        except StoreUnavailable as error:
            _log_unshared(error)
            return
        self._in_table[opened.key] = self._clock.monotonic_s()

    async def _share_closed(self, key: Key, started_at_s: float) -> None:
        if self._store is None or self._in_table.pop(key, None) is None:
            return
        try:
            await self._store.record_closed(self._name(key), begun_at=self._moment(started_at_s))
        except StoreUnavailable as error:
            _log_unshared(error)

    def _name(self, key: Key) -> CircuitName:
        provider, model = key
        return CircuitName(provider=provider, model=model, access=self._access[provider])

    def _opened(self, state: CircuitState) -> CircuitTrip:
        kind = _KINDS.get(state.kind, ModelUnavailable)
        return CircuitTrip(
            key=(state.name.provider, state.name.model),
            opened_at_s=self._monotonic_s(state.opened_at),
            open_until_s=self._monotonic_s(state.open_until),
            error=kind(state.error, provider=state.name.provider),
        )

    def _moment(self, at_s: float) -> datetime:
        return self._clock.now() + timedelta(seconds=at_s - self._clock.monotonic_s())

    def _monotonic_s(self, at: datetime) -> float:
        return self._clock.monotonic_s() + (at - self._clock.now()).total_seconds()


def _log_unshared(error: StoreUnavailable) -> None:
    log.warning("circuits are not shared with other processes for now", extra={"error": str(error)})
