"""Waits until a provider may be asked once more: so many calls to it at a time, over all processes. Never asks.

Within a process calls queue in order; its first looks for a free place among those that all processes share.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from app.domain.model_call import Place, Provider
from app.llm.call_store import CallStore
from app.llm.clock import Clock

MOST_AT_ONCE = 32  # calls to one provider
LOOK_AGAIN_S = 0.25


class Turns:
    """The turns at each provider."""

    def __init__(self, *, limits: Mapping[Provider, int], store: CallStore, clock: Clock) -> None:
        self._limits = limits
        self._store = store
        self._clock = clock
        self._queues = {provider: asyncio.Semaphore(limit) for provider, limit in limits.items()}

    @asynccontextmanager
    async def turn(self, provider: Provider) -> AsyncGenerator[None]:
        """Begins when the provider may be asked, and lasts as long as the question."""
        async with self._queues[provider]:
            place = await self._take(provider)
            try:
                yield
            finally:
                self._store.let_go(place)

    async def _take(self, provider: Provider) -> Place:
        while (place := await self._store.take_place(provider, most=self._limits[provider])) is None:
            await self._clock.sleep(LOOK_AGAIN_S)
        return place
