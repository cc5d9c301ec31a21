"""The pull request changes while models read it: nothing more is asked or posted for what nobody wants any more."""

from collections.abc import Callable

import pytest

from app.domain.model_call import Provider
from github_sandbox import Pull
from github_sandbox.state import CheckRun
from tests.scenarios.conftest import Open
from tests.scenarios.reading import conclusions, take_checks, take_review, take_summary
from tests.scenarios.vendors import finding
from tests.scenarios.world import World

PAY = {"pay.py": "def pay(cart, rate):\n    share = cart.total / rate\n    return share\n"}
DIVISION = finding("pay.py", "    share = cart.total / rate", line=2, rule_id="division-by-zero")
IGNORING = "ignore_labels: [skip-review]\nignore_titles: [WIP]\n"
ENDINGS: dict[str, Callable[[Pull], object]] = {
    "closed": lambda pull: pull.close(),
    "merged": lambda pull: pull.merge(),
    "a draft": lambda pull: pull.convert_to_draft(),
    "labeled": lambda pull: pull.add_label("skip-review"),
    "retitled": lambda pull: pull.edit(title="WIP: pay"),
}


def runs_of(world: World) -> list[CheckRun]:
    return list(world.repository.check_runs.values())


def take_cancelled(world: World, pull: Pull) -> str:
    """Check that the review ended cancelled on GitHub and in the database; return the text of its check runs."""
    assert {run.conclusion for run in runs_of(world)} == {"cancelled"}
    # An edit of the title asks for a review as well, which the new title excludes.
    assert {review.status for review in world.reviews()} == {"cancelled"}
    assert (pull.reviews, pull.issue_comments, pull.threads) == ([], [], [])
    [summary] = {run.summary for run in take_checks(pull).values()}
    return summary or ""


@pytest.mark.parametrize("how", ENDINGS)
async def test_a_review_that_nobody_wants_any_more_asks_and_posts_nothing(opened: Open, how: str) -> None:
    async with opened(config=IGNORING) as world:
        world.vendors.claude.finds(DIVISION)
        world.vendors.hold()
        pull = world.open_pull(PAY)
        await world.until_asked(3)
        ENDINGS[how](pull)
        await world.deliver()
        world.vendors.release()
        await world.settle()
        assert len(world.vendors.requests) == 3  # the finding is not verified
        assert "Quorum stopped the review" in take_cancelled(world, pull)


async def test_a_merge_without_a_webhook_is_noticed_before_posting(world: World) -> None:
    world.vendors.hold()
    pull = world.open_pull(PAY)
    await world.until_asked(3)
    pull.merge()
    world.github.hook.queue.clear()
    world.vendors.release()
    await world.settle()
    assert "closed or merged" in take_cancelled(world, pull)


async def test_no_other_vendor_is_asked_for_a_closed_pull_request(world: World) -> None:
    world.vendors.claude.is_down()
    world.vendors.hold(Provider.CLAUDE)
    pull = world.open_pull(PAY)
    await world.until_asked(3)
    pull.close()
    await world.deliver()
    world.vendors.release()
    await world.settle()
    assert len(world.vendors.claude.requests_for("review")) == 1
    assert not world.vendors.gpt.requests_for("review")
    take_cancelled(world, pull)


async def test_outcomes_are_recorded_although_closing_cancels_the_review(world: World) -> None:
    world.vendors.claude.finds(DIVISION)
    pull = world.open_pull(PAY)
    await world.settle()
    pull.take_all()
    world.vendors.hold()
    pull.push({"ship.py": "def ship(order):\n    return order\n"})
    await world.until_asked(5)
    pull.merge()
    await world.deliver()
    world.vendors.release()
    await world.settle()
    assert [review.status for review in world.reviews()] == ["completed", "cancelled"]
    [row] = world.findings()
    assert (row.outcome, row.reason) == ("open", "still open when the pull request was merged")
    assert set(conclusions(take_checks(pull)).values()) == {"cancelled"}


async def test_a_pull_request_that_is_closed_and_reopened_at_once_is_reviewed(world: World) -> None:
    world.vendors.hold()
    pull = world.open_pull(PAY)
    await world.until_asked(3)
    pull.close()
    await world.deliver()
    pull.reopen()
    await world.deliver()
    world.vendors.release()
    await world.settle()
    assert world.reviews()[-1].status == "completed"
    assert take_review(pull).commit_id == pull.head_sha
    take_summary(pull)
    assert {run.conclusion for run in take_checks(pull).values()} == {"success"}


async def test_a_head_can_be_closed_and_reopened_more_than_once(world: World) -> None:
    pull = world.open_pull(PAY)
    for _ in range(2):
        await world.settle()
        pull.close()
        await world.settle()
        pull.reopen()
    await world.settle()
    triggers = [(review.trigger, review.status) for review in world.reviews()]
    assert triggers == [("opened", "completed"), ("reopened", "completed"), ("reopened", "completed")]
    pull.take_all()


@pytest.mark.parametrize("webhook", [True, False], ids=["announced", "unannounced"])
async def test_a_retargeted_pull_request_is_reviewed_against_its_new_base(
    world: World, webhook: bool
) -> None:
    world.repository.push({"other.py": "value = 1\n", **PAY}, branch="release")
    world.vendors.hold()
    pull = world.open_pull({**PAY, "ship.py": "def ship(order):\n    return order\n"})
    await world.until_asked(3)
    pull.retarget("release")
    if not webhook:
        world.github.hook.queue.clear()
    await world.deliver()
    world.vendors.release()
    await world.settle()
    assert [review.status for review in world.reviews()][-1] == "completed"
    assert len(pull.reviews) == 1
    take_review(pull)
    take_summary(pull)
    last = {run.name: run.conclusion for run in runs_of(world)}
    assert set(last.values()) == {"success"}
    take_checks(pull)


async def test_a_repository_that_is_deleted_meanwhile_ends_its_review_quietly(world: World) -> None:
    world.vendors.claude.finds(DIVISION)
    world.vendors.hold()
    world.open_pull(PAY)
    await world.until_asked(3)
    world.github.delete(world.repository)
    await world.deliver()
    world.vendors.release()
    await world.settle()
    assert len(world.vendors.requests) == 3
    assert [review.status for review in world.reviews()] == ["cancelled"]


@pytest.mark.parametrize("how", ["suspend", "uninstall"])
async def test_an_installation_that_ends_meanwhile_ends_its_reviews_quietly(world: World, how: str) -> None:
    world.vendors.claude.finds(DIVISION)
    world.vendors.hold()
    pull = world.open_pull(PAY)
    await world.until_asked(3)
    [installation] = world.github.installations.values()
    getattr(world.github, how)(installation)
    await world.deliver()
    world.vendors.release()
    await world.settle()
    assert len(world.vendors.requests) == 3
    assert [review.status for review in world.reviews()] == ["cancelled"]
    pull.take_all("check_run")


async def test_an_archived_repository_gets_no_more_posts(world: World) -> None:
    world.vendors.hold()
    pull = world.open_pull(PAY)
    await world.until_asked(3)
    world.github.archive(world.repository)
    await world.deliver()
    world.vendors.release()
    await world.settle()
    assert [review.status for review in world.reviews()] == ["cancelled"]
    pull.take_all("check_run")
