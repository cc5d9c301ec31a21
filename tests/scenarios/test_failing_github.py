"""GitHub limits, fails or rejects: Quorum waits, retries, and reports what failed."""

import pytest

from github_sandbox import Fault
from tests.scenarios.reading import conclusions, take_checks, take_review, take_summary
from tests.scenarios.world import World

PAY = {"pay.py": "def pay(cart):\n    return cart.total\n"}


@pytest.mark.parametrize(
    "fault",
    [
        Fault.SECONDARY_LIMIT,
        Fault.SECONDARY_LIMIT_429,
        Fault.PRIMARY_LIMIT,
        Fault.SERVER_ERROR,
        Fault.NO_ANSWER,
    ],
)
async def test_quorum_waits_out_a_limit_or_an_outage_while_posting(world: World, fault: Fault) -> None:
    world.github.faults.inject(fault, path="/reviews$", retry_after_s=5)
    pull = world.open_pull(PAY)
    await world.settle()
    assert len(pull.reviews) == 1
    take_review(pull)
    take_summary(pull)
    assert set(conclusions(take_checks(pull)).values()) == {"success"}


@pytest.mark.parametrize("path", ["/access_tokens$", "/graphql$"])
async def test_quorum_waits_out_an_outage_while_reading(world: World, path: str) -> None:
    world.github.faults.inject(Fault.BAD_GATEWAY, path=path)
    pull = world.open_pull(PAY)
    await world.settle()
    take_review(pull)
    take_summary(pull)
    assert set(conclusions(take_checks(pull)).values()) == {"success"}


@pytest.mark.parametrize("ahead_s", [3_600, -3_600])
async def test_a_review_waits_until_the_clock_of_this_machine_is_right(world: World, ahead_s: int) -> None:
    right = world.github.clock

    def clock() -> float:
        refused = sum(request.status == 401 for request in world.github.requests)
        return right() - (ahead_s if refused < 3 else 0)

    world.github.clock = clock
    pull = world.open_pull(PAY)
    await world.settle()
    assert sum(request.status == 401 for request in world.github.requests) >= 3
    take_review(pull)
    take_summary(pull)
    assert set(conclusions(take_checks(pull)).values()) == {"success"}
