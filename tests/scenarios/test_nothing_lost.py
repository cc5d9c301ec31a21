"""Nothing lost, nothing twice: repeated deliveries, out of order, after failures, and what a failed job leaves."""

import asyncio
from pathlib import Path

import pytest
from dbos import DBOS
from sqlmodel import select

from app.engine.worker import MAX_ATTEMPTS
from app.store.job_tables import DeliveryRow
from github_sandbox import Fault, GitHubSandbox, Pull
from tests.scenarios.conftest import Open
from tests.scenarios.reading import conclusions, take_checks, take_reactions, take_review, take_summary
from tests.scenarios.world import World

PAY = {"pay.py": "def pay(amount):\n    return amount\n"}
GATED = "gate: high\n"
STAGES = ("review", "security", "docs")


def take_all_once(pull: Pull) -> None:
    """One review, one summary, one set of check runs, on the final head."""
    assert take_review(pull).commit_id == pull.head_sha
    take_summary(pull)
    runs = [run for run in pull.repository.check_runs.values() if run.head_sha == pull.head_sha]
    assert sorted(run.name for run in runs) == ["quorum/docs", "quorum/review", "quorum/security"]
    assert set(conclusions(take_checks(pull)).values()) == {"success"}


def deliveries_of(world: World, event: str = "pull_request") -> list[DeliveryRow]:
    return [row for row in world.rows(DeliveryRow) if row.event == event]


async def test_the_same_delivery_a_hundred_times_is_one_review_and_one_set_of_check_runs(
    world: World,
) -> None:
    pull = world.open_pull(PAY)
    delivery = next(each for each in world.github.hook.queue if each.event == "pull_request")
    answers = await asyncio.gather(*(world.post(delivery.headers, delivery.body) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {202}
    await world.settle()
    take_all_once(pull)
    assert len(deliveries_of(world)) == len(world.reviews()) == 1
    assert len(world.vendors.requests) == 3


async def test_another_delivery_for_the_same_head_and_trigger_starts_no_review(world: World) -> None:
    pull = world.open_pull(PAY)
    delivery = next(each for each in world.github.hook.queue if each.event == "pull_request")
    for guid in ("another-guid", "one-more"):
        answer = await world.post({**delivery.headers, "x-github-delivery": guid}, delivery.body)
        assert answer.status_code == 202
    await world.settle()
    assert (
        await world.post({**delivery.headers, "x-github-delivery": "late"}, delivery.body)
    ).status_code == 202
    await world.settle()
    take_all_once(pull)
    assert len(world.vendors.requests) == 3


async def test_a_redelivery_after_a_failed_run_runs(world: World) -> None:
    [installation] = world.github.installations.values()
    pull = world.open_pull(PAY)
    world.github.suspend(installation)
    await world.settle()
    [failed] = deliveries_of(world)
    assert failed.state == "failed"
    world.log.take("the job failed")
    assert [review.status for review in world.reviews()] == ["failed"]

    world.github.unsuspend(installation)
    sent = next(each for each in world.github.hook.log.values() if each.event == "pull_request")
    world.github.hook.redeliver(sent.id)
    await world.settle()
    take_all_once(pull)
    [done] = deliveries_of(world)
    assert (done.state, done.attempts) == ("done", 2)


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0)])
async def test_webhooks_out_of_order_end_in_one_review_of_the_newest_head(
    opened: Open, order: tuple[int, ...]
) -> None:
    async with opened(quorum_debounce_s=0.2) as world:
        pull = world.open_pull(PAY)
        pull.push({"pay.py": "def pay(amount):\n    return amount + 1\n"})
        pull.push({"pay.py": "def pay(amount):\n    return amount + 2\n"})
        sent = [each for each in world.github.hook.queue if each.event == "pull_request"]
        assert len(sent) == 3
        for place in order:
            assert (await world.post(sent[place].headers, sent[place].body)).status_code == 202
        world.github.hook.queue.clear()
        await world.settle()
        assert [review.commit_id for review in pull.reviews] == [pull.head_sha]
        assert (
            len(world.vendors.requests) <= 6
        )  # a review that a later push superseded may have called a model
        pull.take_all()


async def test_a_review_of_the_newest_head_continues_when_the_webhook_of_an_earlier_push_arrives(
    world: World,
) -> None:
    """Opened and pushed to twice; the first review reads the last head before the webhooks of the pushes arrive."""
    pull = world.open_pull(PAY)
    for more in (1, 2):
        pull.push({"pay.py": f"def pay(amount):\n    return amount + {more}\n"})
    sent, world.github.hook.queue[:] = [*world.github.hook.queue], []
    opened, between, last = [each for each in sent if each.event == "pull_request"]
    world.vendors.hold()
    await world.post(opened.headers, opened.body)
    await world.until_asked(3)
    await world.post(between.headers, between.body)
    world.vendors.release()
    await world.settle()
    await world.post(last.headers, last.body)
    await world.settle()
    take_all_once(pull)
    assert len(world.vendors.requests) == 3
    assert [review.status for review in world.reviews()] == ["completed", "cancelled", "cancelled"]


async def test_a_review_that_took_a_newer_head_and_died_again_completes_the_check_runs_of_that_head(
    world: World,
) -> None:
    """The third attempt repeats the steps of the first two and must not cancel the check runs of the second."""
    world.vendors.hold()
    pull = world.open_pull(PAY)
    world.github.faults.latency_s = 0.5  # time to stop between the first look and the check runs
    await world.deliver()
    while not (steps := await steps_of(world)):  # noqa: ASYNC110 - the App's own queue polls
        await asyncio.sleep(0.01)
    await world.served.engine.stop(timeout_s=0.0)
    assert steps == ["snapshot"]
    world.github.faults.latency_s = 0.0
    pull.push({"pay.py": "def pay(amount):\n    return amount + 1\n"})
    world.github.hook.queue.clear()  # its webhook comes late
    await world.served.engine.start()
    await world.until_asked(3)
    await world.served.engine.stop(timeout_s=0.0)
    await world.served.engine.start()
    await world.until_asked(6)
    world.vendors.release()
    await world.settle()
    runs = [run for run in pull.repository.check_runs.values() if run.head_sha == pull.head_sha]
    assert [run.conclusion for run in runs] == ["success"] * 3
    take_review(pull)
    take_summary(pull)
    take_checks(pull)


async def steps_of(world: World) -> list[str]:
    """The steps that the job of the one delivery has recorded."""
    [row] = deliveries_of(world)
    steps = await DBOS.list_workflow_steps_async(row.workflow_id or "")
    return [step["function_name"] for step in steps]


async def test_a_push_continues_the_review_that_earlier_pushes_superseded(opened: Open) -> None:
    """Pushes are not reviewed here, but a push superseded the first review of the pull request, and another push that one."""
    async with opened(config="review_on_push: false\n") as world:
        world.vendors.hold()
        pull = world.open_pull(PAY)
        await world.until_asked(3)
        pull.push({"pay.py": "def pay(amount):\n    return amount + 1\n"})
        await world.until_asked(3)
        pull.push({"pay.py": "def pay(amount):\n    return amount + 2\n"})
        await world.deliver()
        world.vendors.release()
        await world.settle()
        assert [review.commit_id for review in pull.reviews] == [pull.head_sha]
        pull.take_all()


async def test_eyes_appear_immediately_even_while_a_review_of_the_pull_request_runs(world: World) -> None:
    world.vendors.hold()
    pull = world.open_pull(PAY)
    await world.until_asked(3)
    comment = pull.comment("alice", "/rereview")
    await world.deliver()
    while not comment.reactions:  # noqa: ASYNC110 - the App's own queue polls
        await asyncio.sleep(0.01)
    assert await world.served.engine.depth() == {"queued": 1, "running": 1}
    world.vendors.release()
    await world.settle()
    assert [reaction.content for reaction in comment.reactions] == ["eyes"]
    assert [review.trigger.split(":")[0] for review in world.reviews()] == ["opened", "comment"]
    pull.take_all()


async def test_a_redelivered_command_adds_no_second_reaction(world: World) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    pull.take_all()
    pull.comment("alice", "/rereview")
    delivery = next(each for each in world.github.hook.queue if each.event == "issue_comment")
    await asyncio.gather(*(world.post(delivery.headers, delivery.body) for _ in range(20)))
    await world.settle()
    assert take_reactions(pull) == ["eyes"]
    pull.take_all()


async def test_a_review_requested_by_a_command_runs_like_any_other(world: World) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    world.vendors.hold()
    pull.comment("alice", "/rereview full")
    await world.until_asked(6)
    review = world.reviews()[-1]
    assert (review.status, review.started_at is not None) == ("running", True)
    world.vendors.release()
    await world.settle()
    assert [review.status for review in world.reviews()] == ["completed", "completed"]
    pull.take_all()


async def last_attempt(opened: Open, github: GitHubSandbox, event: str) -> None:
    """Deliveries of an event wait, and the next failure is their last attempt."""
    async with opened(github=github, quorum_paused=True) as world:
        await world.deliver()
        with world.database.write() as session:
            for row in session.exec(select(DeliveryRow).where(DeliveryRow.event == event)):
                row.attempts = MAX_ATTEMPTS


@pytest.mark.parametrize(("config", "conclusion"), [("", "neutral"), (GATED, "failure")])
async def test_an_abandoned_review_completes_its_check_runs_and_says_what_to_do(
    tmp_path: Path, opened: Open, config: str, conclusion: str
) -> None:
    github = GitHubSandbox(tmp_path / "github")
    async with opened(github=github, config=config, quorum_paused=True) as world:
        pull = world.open_pull(PAY)
    await last_attempt(opened, github, "pull_request")
    github.faults.inject(Fault.BAD_GATEWAY, path="/reviews$", times=5)
    async with opened(github=github) as world:
        await world.settle()
        world.log.take("the job failed")
        checks = take_checks(pull)
        assert conclusions(checks) == dict.fromkeys(STAGES, conclusion)
        assert {run.title for run in checks.values()} == {"Not reviewed"}
        assert all("comment `/rereview`" in (run.summary or "") for run in checks.values())
        assert [review.status for review in world.reviews()] == ["failed"]


async def test_an_abandoned_merge_group_leaves_no_check_run_in_progress(tmp_path: Path, opened: Open) -> None:
    github = GitHubSandbox(tmp_path / "github")
    async with opened(github=github) as world:
        pull = world.open_pull(PAY)
        await world.settle()
        pull.take_all()
    queued = pull.repository.queue_merge([pull])
    await last_attempt(opened, github, "merge_group")
    github.faults.inject(Fault.BAD_GATEWAY, method="PATCH", path="/check-runs/", times=15)
    async with opened(github=github) as world:
        await world.settle()
        world.log.take("the job failed")
        runs = [run for run in world.repository.check_runs.values() if run.head_sha == queued]
        assert [run.conclusion for run in runs] == ["neutral"] * 3
        world.repository.posted.clear()
