"""Answers what is asked at the same time by one call. Keeps no answer and knows no git."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Together(Generic[Key, Value]):
    """`answer_all` is called with every key that was asked for in one turn of the loop, each once."""

    def __init__(self, answer_all: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]]) -> None:
        self._answer_all = answer_all
        self._asked: dict[Key, None] = {}
        self._answering: asyncio.Task[Mapping[Key, Value]] | None = None

    async def ask(self, key: Key) -> Value | None:
        """The key's answer; None where there is none. Raises what `answer_all` raises."""
        self._asked[key] = None
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer())
        # Others may wait for the same call: who is cancelled must not end it.
        return (await asyncio.shield(self._answering)).get(key)

    async def _answer(self) -> Mapping[Key, Value]:
        await asyncio.sleep(0)  # whoever asks at the same time has said so when this goes on
        asked, self._asked, self._answering = list(self._asked), {}, None
        return await self._answer_all(asked)
