"""A required check never stays pending: an excluded pull request gets it with the reason, and no other check runs."""

from collections.abc import Callable
from typing import Any

import pytest

from github_sandbox import Pull
from github_sandbox.limits import Fault
from tests.scenarios.conftest import Open
from tests.scenarios.reading import conclusions, take_checks
from tests.scenarios.world import World

PAY = {"pay.py": "def pay(cart, rate):\n    return cart.total / rate\n"}
MORE = {"ship.py": "def ship(order):\n    return order\n"}
EXCLUDING: dict[str, tuple[str, dict[str, Any], str]] = {
    "draft": ("", {"draft": True}, "because it is a draft"),
    "author": ("ignore_authors: [alice]\n", {}, "because its author is in `ignore_authors`"),
    "label": (
        "ignore_labels: [skip]\n",
        {"labels": ["skip"]},
        "because one of its labels is in `ignore_labels`",
    ),
    "branch": (
        "ignore_branches: [sync/*]\n",
        {"branch": "sync/1"},
        "because its branch matches `ignore_branches`",
    ),
    "title": ("ignore_titles: [WIP]\n", {"title": "WIP: pay"}, "because its title contains words"),
    "disabled": ("enabled: false\n", {}, "because the configuration says `enabled: false`"),
}
ENDINGS: dict[str, Callable[[Pull], object]] = {
    "a draft": lambda pull: pull.convert_to_draft(),
    "labeled": lambda pull: pull.add_label("skip"),
    "retitled": lambda pull: pull.edit(title="WIP: pay"),
}


def require(world: World, *names: str, **how: Any) -> None:
    for name in names:
        world.repository.require_check(f"quorum/{name}", **how)


async def checks_of(world: World, pull: Pull) -> dict[str, str | None]:
    """The conclusions of the check runs, which have all said so in one sentence; nothing else was posted."""
    await world.settle()
    checks = take_checks(pull)
    assert {run.status for run in checks.values()} <= {"completed"}
    assert not pull.unread()
    return conclusions(checks)


def said(world: World) -> str:
    [summary] = {run.summary or "" for run in world.repository.check_runs.values()}
    return summary


@pytest.mark.parametrize("kind", EXCLUDING)
async def test_a_required_check_of_an_excluded_pull_request_is_neutral(opened: Open, kind: str) -> None:
    config, how, reason = EXCLUDING[kind]
    async with opened(config=config) as world:
        require(world, "review")
        world.repository.require_check("ci/build")
        pull = world.open_pull(PAY, **how)
        assert await checks_of(world, pull) == {"review": "neutral"}
        assert reason in said(world)
        assert ("/rereview" in said(world)) is (kind != "disabled")
        assert not world.vendors.requests


async def test_classic_branch_protection_makes_a_check_required(world: World) -> None:
    require(world, "security", classic=True)
    pull = world.open_pull(PAY, draft=True)
    assert await checks_of(world, pull) == {"security": "neutral"}


@pytest.mark.parametrize("kind", ["draft", "disabled"])
async def test_a_gate_makes_the_checks_of_its_stages_required(opened: Open, kind: str) -> None:
    config, how, reason = EXCLUDING[kind]
    async with opened(config=f"{config}gate: high\nstages: [review, security]\n") as world:
        pull = world.open_pull(PAY, **how)
        assert await checks_of(world, pull) == {"review": "neutral", "security": "neutral"}
        assert reason in said(world)


@pytest.mark.parametrize("kind", EXCLUDING)
async def test_nothing_is_written_on_an_excluded_pull_request_without_a_required_check(
    opened: Open, kind: str
) -> None:
    config, how, _ = EXCLUDING[kind]
    async with opened(config=config) as world:
        world.repository.require_check("ci/build")
        require(world, "review", branch="release")
        require(world, "security", app_id=1)  # of another App
        pull = world.open_pull(PAY, **how)
        assert await checks_of(world, pull) == {}


async def test_a_push_to_a_paused_pull_request_completes_the_required_check(world: World) -> None:
    require(world, "review", "docs")
    pull = world.open_pull(PAY)
    await world.settle()
    await world.comment(pull, "/pause")
    pull.take_all()
    pull.push(MORE)
    assert await checks_of(world, pull) == {"review": "neutral", "docs": "neutral"}
    [newest] = {run.summary for run in world.repository.check_runs.values() if run.head_sha == pull.head_sha}
    assert "because alice paused it" in (newest or "")


async def test_a_required_check_of_a_base_branch_with_a_slash_is_completed(world: World) -> None:
    world.repository.push({"x.py": "x = 1\n"}, branch="release/1.0#2")
    require(world, "review", branch="release/1.0#2")
    require(world, "security", branch="release/1.0#2", classic=True)
    pull = world.open_pull(PAY, base="release/1.0#2", draft=True)
    assert await checks_of(world, pull) == {"review": "neutral", "security": "neutral"}


async def test_a_required_check_of_a_disabled_stage_is_completed_as_well(opened: Open) -> None:
    async with opened(config="stages: [review]\ngate: high\n") as world:
        require(world, "docs")
        pull = world.open_pull(PAY, draft=True)
        assert await checks_of(world, pull) == {"review": "neutral", "docs": "neutral"}


@pytest.mark.parametrize("how", ENDINGS)
async def test_a_review_that_is_excluded_while_it_runs_ends_its_required_checks_neutral(
    opened: Open, how: str
) -> None:
    async with opened(config="ignore_labels: [skip]\nignore_titles: [WIP]\n") as world:
        require(world, "review")
        world.vendors.hold()
        pull = world.open_pull(PAY)
        await world.until_asked(3)
        ENDINGS[how](pull)
        await world.deliver()
        world.vendors.release()
        ended = await checks_of(world, pull)
        assert ended == {"review": "neutral", "security": "cancelled", "docs": "cancelled"}


async def test_a_draft_is_reviewed_when_it_is_ready(opened: Open) -> None:
    async with opened(config="gate: high\n") as world:
        pull = world.open_pull(PAY, draft=True)
        assert set((await checks_of(world, pull)).values()) == {"neutral"}
        pull.mark_ready()
        await world.settle()
        assert set(conclusions(take_checks(pull)).values()) == {"success"}
        pull.take_all()


INCLUDINGS: dict[str, tuple[dict[str, Any], Callable[[Pull], object]]] = {
    "title": ({"title": "WIP: pay"}, lambda pull: pull.edit(title="Pay")),
    "label": ({"labels": ["skip"]}, lambda pull: pull.remove_label("skip")),
}


@pytest.mark.parametrize("kind", INCLUDINGS)
async def test_a_pull_request_is_reviewed_once_nothing_excludes_it_any_more(opened: Open, kind: str) -> None:
    how, include = INCLUDINGS[kind]
    async with opened(config="gate: high\nignore_labels: [skip]\nignore_titles: [WIP]\n") as world:
        pull = world.open_pull(PAY, **how)
        assert set((await checks_of(world, pull)).values()) == {"neutral"}
        include(pull)
        await world.settle()
        assert set(conclusions(take_checks(pull)).values()) == {"success"}
        pull.take_all()
        asked = len(world.vendors.requests)
        pull.edit(title="Pay at once")
        await world.settle()
        assert len(world.vendors.requests) == asked > 0


async def test_an_exclusion_does_not_replace_a_failed_check(opened: Open) -> None:
    async with opened(config="gate: high\nignore_titles: [WIP]\n") as world:
        world.vendors.claude.is_down()
        world.vendors.gpt.is_down()
        world.vendors.gemini.is_down()
        pull = world.open_pull(PAY)
        await world.settle()
        assert set(conclusions(take_checks(pull)).values()) == {"failure"}
        pull.take_all()
        pull.edit(title="WIP: pay")
        pull.close()
        pull.reopen()
        assert await checks_of(world, pull) == {}


@pytest.mark.parametrize(("gate", "conclusion"), [("high", "failure"), ("off", "neutral")])
async def test_a_push_that_is_reviewed_only_on_request_says_so(
    opened: Open, gate: str, conclusion: str
) -> None:
    async with opened(config=f'review_on_push: false\ngate: "{gate}"\n') as world:
        require(world, "review")
        pull = world.open_pull(PAY)
        await world.settle()
        pull.take_all()
        pull.push(MORE)
        checks = await checks_of(world, pull)
        assert checks["review"] == conclusion
        assert set(checks.values()) == {conclusion}


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.NOT_FOUND])
@pytest.mark.parametrize(("gate", "expected"), [("high", ["neutral"] * 3), ("off", [])])
async def test_without_the_rules_only_the_gate_decides(
    opened: Open, fault: Fault, gate: str, expected: list[str]
) -> None:
    async with opened(config=f'gate: "{gate}"\n') as world:
        require(world, "review")
        world.github.faults.inject(fault, method="GET", path="/rules/branches/")
        pull = world.open_pull(PAY, draft=True)
        checks = await checks_of(world, pull)
        assert list(checks.values()) == expected
        note = "could not read which checks the branch requires"
        assert note in str(world.reviews()[0].error)
        assert not checks or note in said(world)
