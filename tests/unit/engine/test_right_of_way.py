"""Who goes first where deliveries come in close together, by a clock that the test sets."""

from app.engine.right_of_way import APART_S, LONGEST_S, MANY, WITHIN_S, RightOfWay


class Street:
    """Time passes where somebody waits; meanwhile a delivery may come every so often."""

    def __init__(self, *, every_s: float | None = None, longest_s: float = LONGEST_S) -> None:
        self.now_s = 0.0
        self._every_s = every_s
        self.right_of_way = RightOfWay(clock=lambda: self.now_s, sleep=self._sleep, longest_s=longest_s)

    def burst(self, deliveries: int) -> None:
        for _ in range(deliveries):
            self.right_of_way.take()

    async def _sleep(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while self._every_s and self.now_s + self._every_s <= until_s:
            self.now_s += self._every_s
            self.right_of_way.take()
        self.now_s = until_s

    async def waited_s(self) -> float:
        started_s = self.now_s
        await self.right_of_way.give()
        return self.now_s - started_s


async def test_a_job_waits_for_nobody_while_few_deliveries_come() -> None:
    street = Street()
    street.burst(MANY - 1)
    assert await street.waited_s() == 0


async def test_a_job_lets_a_burst_go_by() -> None:
    street = Street()
    street.burst(MANY)
    assert await street.waited_s() == WITHIN_S
    assert await street.waited_s() == 0


async def test_a_job_goes_on_under_a_stream_that_does_not_end() -> None:
    street = Street(every_s=0.02)
    street.burst(MANY)
    assert LONGEST_S <= await street.waited_s() < LONGEST_S + WITHIN_S


async def test_jobs_whose_time_is_over_go_one_after_the_other() -> None:
    street = Street(every_s=0.01, longest_s=0.0)
    street.burst(MANY)
    waits_s = [round(await street.waited_s(), 3) for _ in range(3)]
    assert waits_s == [0, APART_S, APART_S]


async def test_a_stream_that_leaves_room_stops_no_job() -> None:
    street = Street(every_s=0.1)
    street.burst(MANY)
    assert await street.waited_s() <= WITHIN_S
