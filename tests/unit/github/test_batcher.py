"""Concurrent loads share one batch."""

import asyncio
from collections.abc import Sequence

import pytest

from app.github.git_reads import Batcher


class Calls:
    """Loads half of an even number; odd numbers have no value."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.batcher = Batcher(self._load_batch)

    async def _load_batch(self, keys: Sequence[int]) -> dict[int, int]:
        self.seen.append(list(keys))
        if 0 in keys:
            raise ValueError("no half of nothing")
        return {key: key // 2 for key in keys if key % 2 == 0}


async def test_concurrent_loads_share_one_batch() -> None:
    calls = Calls()
    assert await asyncio.gather(*map(calls.batcher.load, (4, 3, 8, 4))) == [2, None, 4, 2]
    assert calls.seen == [[4, 3, 8]]


async def test_later_loads_start_a_new_batch() -> None:
    calls = Calls()
    assert [await calls.batcher.load(4), await calls.batcher.load(4)] == [2, 2]
    assert calls.seen == [[4], [4]]


async def test_a_cancelled_load_does_not_cancel_the_others() -> None:
    calls = Calls()
    cancelled, stays = (asyncio.create_task(calls.batcher.load(key)) for key in (4, 8))
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await stays == 4
    assert cancelled.cancelled()


async def test_a_failed_batch_fails_all_of_its_loads_but_no_later_ones() -> None:
    calls = Calls()
    failed = await asyncio.gather(calls.batcher.load(0), calls.batcher.load(4), return_exceptions=True)
    assert [str(each) for each in failed] == ["no half of nothing"] * 2
    with pytest.raises(ValueError, match="nothing"):
        await calls.batcher.load(0)
    assert await calls.batcher.load(4) == 2
