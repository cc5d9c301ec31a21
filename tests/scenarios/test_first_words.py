"""What a pull request says about a stage that has answered while the review still runs."""

import asyncio

from app.domain.model_call import Provider
from github_sandbox import Pull
from github_sandbox.state import CheckRun
from tests.scenarios.reading import conclusions, inline_comments, take_checks, take_review, take_summary
from tests.scenarios.vendors import finding
from tests.scenarios.world import POLL_S, World

PAY = {"pay.py": "def pay(cart, rate):\n    share = cart.total / rate\n    return share\n"}
DIVISION = finding("pay.py", "    share = cart.total / rate", line=2, rule_id="division-by-zero")


def check_of(pull: Pull, stage: str) -> CheckRun:
    """The check run of a stage on the head."""
    runs = [run for run in pull.repository.check_runs.values() if run.head_sha == pull.head_sha]
    return next(run for run in runs if run.name == f"quorum/{stage}")


async def until_said(pull: Pull, stage: str, words: str) -> CheckRun:
    """Wait until the check run of a stage contains these words."""
    while True:
        run = check_of(pull, stage)
        if words in f"{run.title} {run.summary}":
            return run
        await asyncio.sleep(POLL_S)


async def test_a_stage_without_findings_is_green_before_a_slow_stage_has_answered(world: World) -> None:
    world.vendors.hold(Provider.CLAUDE)
    pull = world.open_pull(PAY)
    await world.until_asked(3)
    for stage in ("security", "docs"):
        assert (await until_said(pull, stage, "found no problems")).conclusion == "success"
    assert check_of(pull, "review").status == "in_progress"
    assert not pull.issue_comments
    world.vendors.release()
    await world.settle()
    take_review(pull)
    take_summary(pull)
    assert set(conclusions(take_checks(pull)).values()) == {"success"}


async def test_claims_are_counted_and_not_shown_before_another_vendor_has_checked_them(world: World) -> None:
    world.vendors.claude.finds(DIVISION)
    world.vendors.hold(Provider.GEMINI)
    pull = world.open_pull(PAY)
    await world.until_asked(3)
    run = await until_said(pull, "review", "Claude has answered: 1 claim.")
    assert run.status == "in_progress"
    assert "posts none before" in (run.summary or "")
    assert DIVISION["title"] not in f"{run.title} {run.summary} {run.text}"
    assert not inline_comments(pull)
    world.vendors.release()
    await world.settle()
    take_review(pull)
    take_summary(pull)
    checks = take_checks(pull)
    assert conclusions(checks) == {"review": "neutral", "security": "success", "docs": "success"}
    assert DIVISION["title"] in (checks["quorum/review"].text or "")


async def test_a_stage_with_an_open_finding_of_an_earlier_review_is_not_green_early(world: World) -> None:
    world.vendors.claude.finds(DIVISION)
    pull = world.open_pull(PAY)
    await world.settle()
    pull.take_all()
    world.vendors.claude.finds()
    world.vendors.hold(Provider.GEMINI)
    pull.push({"ship.py": "def ship(order):\n    return order.weight\n"})
    await world.until_asked(7)
    await until_said(pull, "security", "found no problems")
    await until_said(pull, "review", "Claude has answered: no claims.")
    assert check_of(pull, "review").conclusion is None
    world.vendors.release()
    await world.settle()
    take_summary(pull)
    assert conclusions(take_checks(pull)) == {"review": "neutral", "security": "success", "docs": "success"}


async def test_a_push_cancels_even_a_check_run_that_was_green_early(world: World) -> None:
    world.vendors.hold(Provider.CLAUDE)
    pull = world.open_pull(PAY)
    await world.until_asked(3)
    old = await until_said(pull, "security", "found no problems")
    pull.push({"ship.py": "def ship(order):\n    return order.weight\n"})
    await world.deliver()
    world.vendors.release()
    await world.settle()
    runs = [run for run in pull.repository.check_runs.values() if run.head_sha == old.head_sha]
    assert {run.conclusion for run in runs} == {"cancelled"}
    pull.take_all()


async def test_the_first_check_run_still_says_what_the_whole_review_cost(world: World) -> None:
    world.vendors.hold(Provider.GEMINI)
    pull = world.open_pull(PAY)
    await world.until_asked(3)
    assert "The whole review" not in ((await until_said(pull, "review", "found no problems")).summary or "")
    world.vendors.release()
    await world.settle()
    take_review(pull)
    take_summary(pull)
    checks = take_checks(pull)
    assert set(conclusions(checks).values()) == {"success"}
    assert "The whole review: " in (checks["quorum/review"].summary or "")
