"""Waits until a provider may be asked once more: so many calls to it at a time, over all processes. Never asks.

Within a process calls queue in order; its first looks for a free slot among those that all processes share.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from app.domain.model_call import Provider, Slot
from app.llm.call_store import CallStore
from app.llm.clock import Clock

MOST_AT_ONCE = 32  # calls to one provider
LOOK_AGAIN_S = 0.25


class Slots:
    """The slots of each provider."""

    def __init__(self, *, limits: Mapping[Provider, int], store: CallStore, clock: Clock) -> None:
        self._limits = limits
        self._store = store
        self._clock = clock
        self._queues = {provider: asyncio.Semaphore(limit) for provider, limit in limits.items()}

    @asynccontextmanager
    async def slot(self, provider: Provider) -> AsyncGenerator[None]:
        """One of the slots, from when the provider may be asked for as long as the question lasts."""
        async with self._queues[provider]:
            slot = await self._take(provider)
            try:
                yield
            finally:
                self._store.let_go(slot)

    async def _take(self, provider: Provider) -> Slot:
        while (slot := await self._store.take_slot(provider, most=self._limits[provider])) is None:
            await self._clock.sleep(LOOK_AGAIN_S)
        return slot
