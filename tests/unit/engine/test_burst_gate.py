"""Steps of jobs wait for a burst of deliveries, by a clock that the test sets."""

from datetime import datetime

from app.engine.inbox import BURST, BURST_S, MAX_WAIT_S, SPACING_S, BurstGate
from tests.unit.engine.world import NOW


class Stream:
    """Time passes only during waits, in which a delivery can arrive every `every_s` seconds."""

    def __init__(self, *, every_s: float | None = None, max_wait_s: float = MAX_WAIT_S) -> None:
        self._now_s = 0.0
        self._every_s = every_s
        self.gate = BurstGate(self, max_wait_s=max_wait_s)

    def monotonic_s(self) -> float:
        return self._now_s

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        until_s = self._now_s + seconds
        while self._every_s and self._now_s + self._every_s <= until_s:
            self._now_s += self._every_s
            self.gate.delivery_arrived()
        self._now_s = until_s

    def burst(self, deliveries: int) -> None:
        for _ in range(deliveries):
            self.gate.delivery_arrived()

    async def waited_s(self) -> float:
        started_s = self._now_s
        await self.gate.wait_for_turn()
        return self._now_s - started_s


async def test_a_step_does_not_wait_while_few_deliveries_arrive() -> None:
    stream = Stream()
    stream.burst(BURST - 1)
    assert await stream.waited_s() == 0


async def test_a_step_waits_until_a_burst_is_over() -> None:
    stream = Stream()
    stream.burst(BURST)
    assert await stream.waited_s() == BURST_S
    assert await stream.waited_s() == 0


async def test_a_step_continues_under_an_endless_stream() -> None:
    stream = Stream(every_s=0.02)
    stream.burst(BURST)
    assert MAX_WAIT_S <= await stream.waited_s() < MAX_WAIT_S + BURST_S


async def test_steps_whose_time_is_up_continue_one_after_the_other() -> None:
    stream = Stream(every_s=0.01, max_wait_s=0.0)
    stream.burst(BURST)
    waits_s = [round(await stream.waited_s(), 3) for _ in range(3)]
    assert waits_s == [0, SPACING_S, SPACING_S]


async def test_a_slow_stream_stops_no_job() -> None:
    stream = Stream(every_s=0.1)
    stream.burst(BURST)
    assert await stream.waited_s() <= BURST_S
