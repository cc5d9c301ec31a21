"""Opens a vendor's SDK when it is first needed, in a thread, once. Knows no vendor.

Importing an SDK takes up to two seconds of CPU; on the event loop that would hold up webhooks.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """An SDK's client that `open_` makes on the first `get`; `logger` is the SDK's, whose debug lines hold whole prompts."""

    def __init__(
        self, open_: Callable[[], T], *, close: Callable[[T], Awaitable[object]], logger: str
    ) -> None:
        self._open = open_
        self._close = close
        self._logger = logging.getLogger(logger)
        self._lock = asyncio.Lock()
        self._value: T | None = None

    async def get(self) -> T:
        """The value; the first caller opens it, the others wait for it."""
        if self._value is None:
            async with self._lock:
                if self._value is None:
                    self._value = await asyncio.to_thread(self._open)
                    self._logger.setLevel(logging.INFO)
        return self._value

    async def aclose(self) -> None:
        """Close the connections, if there were any."""
        if self._value is not None:
            await self._close(self._value)
