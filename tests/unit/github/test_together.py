"""Questions that are asked at the same time, and one call that answers them."""

import asyncio
from collections.abc import Sequence

import pytest

from app.github.together import Together


class Calls:
    """Answers even numbers with their half; the others have none."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.together = Together(self._answer_all)

    async def _answer_all(self, keys: Sequence[int]) -> dict[int, int]:
        self.seen.append(list(keys))
        if 0 in keys:
            raise ValueError("no half of nothing")
        return {key: key // 2 for key in keys if key % 2 == 0}


async def test_what_is_asked_at_the_same_time_is_answered_by_one_call() -> None:
    calls = Calls()
    assert await asyncio.gather(*map(calls.together.ask, (4, 3, 8, 4))) == [2, None, 4, 2]
    assert calls.seen == [[4, 3, 8]]


async def test_what_is_asked_later_is_asked_anew() -> None:
    calls = Calls()
    assert [await calls.together.ask(4), await calls.together.ask(4)] == [2, 2]
    assert calls.seen == [[4], [4]]


async def test_who_no_longer_waits_takes_the_answer_from_nobody() -> None:
    calls = Calls()
    gone, stays = (asyncio.create_task(calls.together.ask(key)) for key in (4, 8))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 4
    assert gone.cancelled()


async def test_all_who_asked_are_told_of_a_failure_and_the_next_is_not() -> None:
    calls = Calls()
    failed = await asyncio.gather(calls.together.ask(0), calls.together.ask(4), return_exceptions=True)
    assert [str(each) for each in failed] == ["no half of nothing"] * 2
    with pytest.raises(ValueError, match="nothing"):
        await calls.together.ask(0)
    assert await calls.together.ask(4) == 2
