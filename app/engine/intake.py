"""Stores deliveries that arrive together in one transaction: one wait for the disk for all of them. Decides nothing.

A thread of its own does it, so that a receiver never queues behind the jobs that run.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from app.domain.job import Accepted, Delivery, Duplicate, Job

MOST_AT_ONCE = 64
Order = tuple[Delivery, Job]
Answer = Accepted | Duplicate


class Intake:
    """Where deliveries wait for the next transaction; `store` answers for all it is given, or stores none."""

    def __init__(self, store: Callable[[Sequence[Order]], list[Answer]]) -> None:
        self._store = store
        self._waiting: list[tuple[Order, asyncio.Future[Answer]]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="intake")
        self._draining: asyncio.Task[None] | None = None

    async def put(self, delivery: Delivery, job: Job) -> Answer:
        """The answer, once it is on disk; raises what `store` raised."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(((delivery, job), answer))
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain())
        return await answer

    async def close(self) -> None:
        """Store what still waits."""
        if self._draining:
            await self._draining
        self._thread.shutdown()

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            await self._store_together(batch)

    async def _store_together(self, batch: Sequence[tuple[Order, asyncio.Future[Answer]]]) -> None:
        orders = [order for order, _ in batch]
        try:
            answers = await asyncio.get_running_loop().run_in_executor(self._thread, self._store, orders)
        except Exception as error:  # noqa: BLE001 - it is raised in those who wait
            await self._fail(batch, error)
        else:
            for (_, waiting), answer in zip(batch, answers, strict=True):
                if not waiting.done():
                    waiting.set_result(answer)

    async def _fail(self, batch: Sequence[tuple[Order, asyncio.Future[Answer]]], error: Exception) -> None:
        """One that cannot be stored must not take its neighbours with it."""
        if len(batch) > 1:
            for one in batch:
                await self._store_together([one])
        elif not batch[0][1].done():
            batch[0][1].set_exception(error)
