"""Slots limit how many calls to a provider run at the same time, across all processes.

Within a process, calls queue in order; the first in the queue polls the slots that all processes share.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from app.clock import Clock
from app.domain.model_call import Provider, Slot
from app.llm.calls import CallStore

CALLS_AT_ONCE = 32  # to one provider
POLL_SLOTS_S = 0.25


class Slots:
    """The slots of each provider."""

    def __init__(self, *, limits: Mapping[Provider, int], store: CallStore, clock: Clock) -> None:
        self._limits = limits
        self._store = store
        self._clock = clock
        self._queues = {provider: asyncio.Semaphore(limit) for provider, limit in limits.items()}

    @asynccontextmanager
    async def slot(self, provider: Provider) -> AsyncGenerator[None]:
        """Wait for one of the provider's slots, and hold it during the block."""
        async with self._queues[provider]:
            slot = await self._take(provider)
            try:
                yield
            finally:
                self._store.release_slot(slot)

    async def _take(self, provider: Provider) -> Slot:
        while (slot := await self._store.take_slot(provider, limit=self._limits[provider])) is None:
            await self._clock.sleep(POLL_SLOTS_S)
        return slot
