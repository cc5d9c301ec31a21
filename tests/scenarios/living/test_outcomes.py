"""Outcomes of findings: recorded at every push and at the end, with the reason."""

from pathlib import Path

import pytest

from app.store.review_tables import FindingRow
from github_sandbox import Pull
from tests.scenarios.vendors import BUG, Reviewers
from tests.scenarios.world import World, open_shop

CART = f"def average(prices):\n    {BUG}\n    return total\n"


async def opened(world: World) -> Pull:
    pull = world.create_repository().open_pull({"shop.py": CART})
    await world.settle()
    return pull


def newest(world: World) -> FindingRow:
    """The newest row of the finding."""
    return world.findings()[-1]


async def test_a_push_that_removes_the_code_resolves_its_finding(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        assert (newest(world).outcome, newest(world).decided_at) == ("open", None)
        pull.push({"shop.py": None, "other.py": "x = 1\n"})
        await world.settle()
        assert (newest(world).outcome, newest(world).reason) == ("resolved", "The code was removed.")


async def test_a_thread_that_a_person_resolved_is_recorded_at_the_next_push(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        pull.resolve("alice", pull.threads[0])
        pull.push({"more.py": "x = 1\n"})
        await world.settle()
        assert (newest(world).outcome, newest(world).reason) == (
            "resolved",
            "the thread was resolved manually",
        )
        assert "no problems found" in pull.issue_comments[0].body
        assert len(pull.threads[0].comments) == 1  # and nothing is posted about it


async def test_a_thread_that_a_person_resolved_is_recorded_at_the_merge(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        pull.resolve("alice", pull.threads[0])
        pull.merge()
        await world.settle()
        assert (newest(world).outcome, newest(world).reason) == (
            "resolved",
            "the thread was resolved manually",
        )


@pytest.mark.parametrize("merged", [True, False])
async def test_an_unfixed_finding_is_still_open_at_the_end(tmp_path: Path, merged: bool) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        if merged:
            pull.merge()
        else:
            pull.close()
        await world.settle()
        end = (
            "still open when the pull request was merged"
            if merged
            else "still open when the pull request was closed"
        )
        assert (newest(world).outcome, newest(world).reason) == ("open", end)
        assert newest(world).decided_at is not None


async def test_a_finding_in_changed_code_without_a_verdict_is_outdated_not_fixed(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.fixed = "unsure"
        pull = await opened(world)
        pull.push({"shop.py": CART.replace(BUG, "total = max(prices)")})
        await world.settle()
        assert newest(world).outcome == "outdated"
        assert "finding" in pull.issue_comments[0].body
        assert not pull.threads[0].root.minimized_reason


async def test_thumbs_on_a_comment_are_counted_at_the_push_and_at_the_end(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        pull.react("alice", pull.threads[0].root, "+1")
        pull.push({"more.py": "x = 1\n"})
        await world.settle()
        assert (newest(world).reactions_up, newest(world).reactions_down) == (1, 0)
        pull.react("bob", pull.threads[0].root, "-1")
        pull.merge()
        await world.settle()
        assert (newest(world).reactions_up, newest(world).reactions_down) == (1, 1)


async def test_a_dismissal_is_stored_with_its_author_and_reason(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        pull.reply("alice", pull.threads[0].root, "/dismiss prices are never empty")
        await world.settle()
        pull.merge()
        await world.settle()
        assert (newest(world).outcome, newest(world).reason) == (
            "dismissed",
            "alice: prices are never empty",
        )


async def test_a_reopened_pull_request_continues(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        pull.close()
        await world.settle()
        pull.reopen()
        pull.push({"shop.py": CART.replace(BUG, "total = 0")})
        await world.settle()
        assert newest(world).outcome == "resolved"
        assert len(pull.threads) == 1
