"""How writes on GitHub are made: each at most once, and those side by side that do not wait for one another.

Knows no text and no endpoint.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar, cast

T = TypeVar("T")


class Once(Protocol):
    """The writes of one review, each at most once visibly: `find` is asked only where an earlier attempt began."""

    async def __call__(
        self, key: str, *, find: Callable[[], Awaitable[int | None]], write: Callable[[], Awaitable[int]]
    ) -> int:
        """The id of what was written, now or earlier, under `key`."""
        ...


async def all_of(writes: Iterable[Awaitable[T]]) -> list[T]:
    """The results of writes that go side by side; each ends before the first error is raised."""
    results = await asyncio.gather(*writes, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return cast("list[T]", results)
