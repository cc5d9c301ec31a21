"""The throttle stays within GitHub's limits; tests use a fake clock and never wait."""

import httpx
import pytest

from app.errors import GitHubRateLimited
from app.github.transport import CONCURRENCY, MARGIN_S, InstallationThrottle


class Time:
    """A clock that only sleeping advances."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def throttle_at(time: Time) -> InstallationThrottle:
    return InstallationThrottle(clock=time.clock, sleep=time.sleep)


READ = httpx.Request("GET", "https://api.github.com/repos/o/r/pulls/1")
COMMENT = httpx.Request("POST", "https://api.github.com/repos/o/r/issues/1/comments")
CHECK = httpx.Request("PATCH", "https://api.github.com/repos/o/r/check-runs/1")


async def send(throttle: InstallationThrottle, request: httpx.Request, *, times: int = 1) -> None:
    for _ in range(times):
        async with throttle.async_acquire(request):
            pass


async def test_a_burst_of_eighty_comments_goes_out_immediately() -> None:
    time = Time()
    await send(throttle_at(time), COMMENT, times=80)
    assert time.slept == []


async def test_the_comment_after_a_burst_is_postponed_by_a_minute() -> None:
    time = Time()
    throttle = throttle_at(time)
    await send(throttle, COMMENT, times=80)
    with pytest.raises(GitHubRateLimited) as caught:
        await send(throttle, COMMENT)
    assert caught.value.retry_after_s == pytest.approx(60 + MARGIN_S)
    time.now += 60 + MARGIN_S
    await send(throttle, COMMENT, times=80)
    assert time.slept == []


async def test_short_waits_are_slept() -> None:
    time = Time()
    throttle = throttle_at(time)
    await send(throttle, COMMENT, times=80)
    time.now += 58 + MARGIN_S
    await send(throttle, COMMENT)
    assert time.slept == [pytest.approx(2)]


@pytest.mark.parametrize("processes", [1, 4])
async def test_comments_are_limited_per_minute_and_hour(
    processes: int,
) -> None:
    """This also holds if several processes share the limits without seeing each other's requests."""
    time = Time()
    throttles = [
        InstallationThrottle(clock=time.clock, sleep=time.sleep, processes=lambda: processes)
        for _ in range(processes)
    ]
    sent: list[float] = []
    while time.now < 1_000.0 + 3 * 3_600:
        refused: list[float] = []
        for throttle in throttles:
            try:
                await send(throttle, COMMENT)
                sent.append(time.now)
            except GitHubRateLimited as error:
                refused.append(error.retry_after_s)
        if len(refused) == processes:
            time.now += min(refused)
    assert len(sent) > 2 * 500
    assert most_within(60, sent) <= 80
    assert most_within(3_600, sent) <= 500


def most_within(period_s: float, moments: list[float]) -> int:
    """The maximum number in any period."""
    return max(sum(at - period_s < other <= at for other in moments) for at in moments)


async def test_a_write_costs_five_reads() -> None:
    time = Time()
    throttle = throttle_at(time)
    await send(throttle, CHECK, times=170)
    await send(throttle, READ, times=50)
    assert time.slept == []
    with pytest.raises(GitHubRateLimited):
        await send(throttle, READ)


async def test_a_long_wait_raises_a_rate_limit() -> None:
    time = Time()
    throttle = throttle_at(time)
    throttle.hold(300)
    with pytest.raises(GitHubRateLimited) as caught:
        await send(throttle, READ)
    assert caught.value.retry_after_s == pytest.approx(300)
    assert time.slept == []
    time.now += 300
    await send(throttle, READ)


async def test_at_most_eight_requests_run_concurrently() -> None:
    import anyio

    throttle = throttle_at(Time())
    running = peak = 0
    release = anyio.Event()

    async def one() -> None:
        nonlocal running, peak
        async with throttle.async_acquire(READ):
            running += 1
            peak = max(peak, running)
            if running == CONCURRENCY:
                release.set()
            await release.wait()
            running -= 1

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(one)
    assert peak == CONCURRENCY
