"""`/rereview` and re-requested check runs: who may, what is reviewed, and what it costs."""

import pytest

from github_sandbox import Fault
from tests.scenarios.conftest import Open
from tests.scenarios.reading import (
    conclusions,
    inline_comments,
    take_checks,
    take_reactions,
    take_review,
    take_summary,
)
from tests.scenarios.vendors import finding
from tests.scenarios.world import World

PAY = {"pay.py": "def pay(cart, rate):\n    return cart.total / rate\n"}
DIVISION = finding("pay.py", "    return cart.total / rate", line=2, title="A rate of 0 ends in an error")


@pytest.mark.slow
async def test_rereview_by_a_writer_adds_eyes_reviews_again_and_edits_the_summary(world: World) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    take_review(pull)
    take_checks(pull)
    before = take_summary(pull)
    world.vendors.claude.finds(DIVISION)
    pull.comment("alice", "/rereview full")
    await world.settle()
    assert take_reactions(pull) == ["eyes"]
    assert "finding" in take_review(pull).body
    assert take_summary(pull).id == before.id
    assert conclusions(take_checks(pull))["review"] == "neutral"
    assert [review.status for review in world.reviews()] == ["completed", "completed"]
    assert [review.trigger.split(":")[0] for review in world.reviews()] == ["opened", "comment"]


async def test_eyes_appear_before_any_model_is_called_again(world: World) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    pull.take_all()
    world.vendors.hold()
    pull.comment("alice", "/rereview full")
    await world.until_asked(4)
    assert take_reactions(pull) == ["eyes"]
    world.vendors.release()
    await world.settle()
    pull.take_all()


@pytest.mark.parametrize("stage", ["review", "security", "docs"])
async def test_rereview_of_one_stage_runs_only_that_stage(world: World, stage: str) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    pull.take_all()
    world.vendors.fake.forget()
    pull.comment("alice", f"/rereview {stage} full")
    await world.settle()
    assert [len(world.vendors.fake.requests)] == [1]
    assert conclusions(take_checks(pull)) == {stage: "success"}
    take_reactions(pull)
    take_review(pull)
    take_summary(pull)


@pytest.mark.slow
async def test_rereview_uses_the_cache_and_full_does_not(world: World) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    pull.take_all()
    pull.comment("alice", "/rereview")
    await world.settle()
    assert [outcome for _, outcome in world.calls()] == ["ok"] * 3 + ["cache_hit"] * 3
    pull.take_all()
    pull.comment("alice", "/rereview full")
    await world.settle()
    assert [outcome for _, outcome in world.calls()] == ["ok"] * 3 + ["cache_hit"] * 3 + ["ok"] * 3
    pull.take_all()


async def test_rereview_posts_nothing_twice_but_always_answers(world: World) -> None:
    world.vendors.claude.finds(DIVISION)
    pull = world.open_pull(PAY)
    await world.settle()
    pull.take_all()
    pull.comment("alice", "/rereview")
    await world.settle()
    take_review(pull)
    assert len(inline_comments(pull)) == 1
    take_summary(pull)
    take_checks(pull)
    take_reactions(pull)


@pytest.mark.parametrize("role", ["read", "triage"])
async def test_rereview_by_an_outsider_gets_a_confused_face_and_calls_no_model(
    world: World, role: str
) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    pull.take_all()
    before = len(world.vendors.requests)
    world.repository.set_role("mallory", role)
    world.repository.associations["mallory"] = "MEMBER"  # the association in the payload does not count
    pull.comment("mallory", "/rereview full")
    await world.settle()
    assert set(take_reactions(pull)) <= {"confused"}
    assert len(world.vendors.requests) == before
    assert len(world.reviews()) == 1


async def test_a_member_whom_the_payload_calls_a_stranger_may_give_commands(world: World) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    pull.take_all()
    world.repository.set_role("bob", "maintain")
    world.repository.associations["bob"] = "NONE"
    pull.comment("bob", "/rereview")
    await world.settle()
    assert take_reactions(pull) == ["eyes"]
    pull.take_all()


@pytest.mark.slow
async def test_the_bots_own_comments_and_edited_comments_are_not_commands(world: World) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    pull.take_all()
    comment = pull.comment("alice", "Well done")
    pull.edit_comment("alice", comment, "/rereview full")
    pull.comment(world.github.account("other[bot]"), "/rereview full")
    await world.settle()
    assert len(world.reviews()) == 1


async def test_a_rerequested_check_run_runs_its_stage_again(world: World) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    checks = take_checks(pull)
    pull.take_all()
    world.vendors.fake.forget()
    world.repository.rerequest(checks["quorum/security"])
    await world.settle()
    assert conclusions(take_checks(pull)) == {"security": "success"}
    assert [review.trigger.split(":")[0] for review in world.reviews()] == ["opened", "check_run"]
    take_review(pull)
    take_summary(pull)


async def test_rerunning_all_checks_runs_all_stages_again(world: World) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    pull.take_all()
    world.repository.rerequest_suite(pull.head_sha)
    await world.settle()
    assert conclusions(take_checks(pull)) == {"review": "success", "security": "success", "docs": "success"}
    take_review(pull)
    take_summary(pull)


async def test_a_command_reviews_even_what_the_configuration_excludes(opened: Open) -> None:
    async with opened(config="ignore_titles: ['wip']\n") as world:
        pull = world.open_pull(PAY, title="WIP: pay")
        await world.settle()
        assert not world.vendors.requests
        pull.comment("alice", "/rereview")
        await world.settle()
        assert take_reactions(pull) == ["eyes"]
        take_review(pull)
        take_summary(pull)
        take_checks(pull)


async def test_a_command_of_a_writer_is_not_refused_because_github_has_an_outage(world: World) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    take_review(pull)
    take_checks(pull)
    take_summary(pull)
    world.github.faults.inject(Fault.BAD_GATEWAY, method="GET", path="/permission$", times=2)
    pull.comment("alice", "/rereview full")
    await world.settle()
    assert take_reactions(pull) == ["eyes"]
    take_review(pull)
    take_summary(pull)
    take_checks(pull)
