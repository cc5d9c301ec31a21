"""GitHub refuses for good to let Quorum read a pull request: people see why, wherever GitHub lets Quorum say so."""

import math
from pathlib import Path

import pytest

from app.commands.doctor import examine
from app.main import Network
from app.store.job_tables import DeliveryRow
from github_sandbox import Fault, Pull
from tests.scenarios.conftest import Open
from tests.scenarios.reading import take_checks
from tests.scenarios.world import DASHBOARD_TOKEN, World, open_shop

PAY = {"pay.py": "def pay(cart):\n    return cart.total\n"}
REFUSALS = {
    Fault.FORBIDDEN: "Resource not accessible by integration",
    Fault.NOT_FOUND: "Not Found",
    Fault.UNAUTHORIZED: "Bad credentials",
    Fault.LEGAL_REASONS: "Repository access blocked",
}


def refuse_reading(world: World, fault: Fault, *, configuration: bool = False) -> None:
    world.github.faults.inject(fault, path="/graphql$", times=math.inf)
    world.github.faults.inject(fault, method="GET", path="/pulls/", times=math.inf)
    if configuration:
        world.github.faults.inject(fault, method="GET", path="/contents/", times=math.inf)


def ended(pull: Pull) -> dict[str, str | None]:
    return {name.removeprefix("quorum/"): run.conclusion for name, run in take_checks(pull).items()}


def failure_of(world: World) -> str:
    """The reason of the one failed delivery; the log's record of it is expected."""
    [row] = [row for row in world.rows(DeliveryRow) if row.state == "failed"]
    assert "the job failed" in world.log.messages.pop()
    return row.reason


@pytest.mark.parametrize("fault", REFUSALS)
@pytest.mark.parametrize(("config", "conclusion"), [("", "neutral"), ("gate: high\n", "failure")])
async def test_check_runs_say_why_the_pull_request_could_not_be_read(
    opened: Open, fault: Fault, config: str, conclusion: str
) -> None:
    async with opened(config=config) as world:
        refuse_reading(world, fault)
        pull = world.open_pull(PAY)
        await world.settle()
        runs = take_checks(pull)
        assert {name: run.conclusion for name, run in runs.items()} == dict.fromkeys(
            ("quorum/review", "quorum/security", "quorum/docs"), conclusion
        )
        assert {run.head_sha for run in runs.values()} == {pull.head_sha}
        assert all(REFUSALS[fault] in (run.summary or "") for run in runs.values())
        assert REFUSALS[fault] in failure_of(world)
        world.guard.violations[:] = [each for each in world.guard.violations if "451" not in each]
        assert [review.status for review in world.reviews()] == ["failed"]


async def test_only_the_configured_stages_get_check_runs(opened: Open) -> None:
    async with opened(config="stages: [security]\n") as world:
        refuse_reading(world, Fault.FORBIDDEN)
        pull = world.open_pull(PAY)
        await world.settle()
        assert ended(pull) == {"security": "neutral"}
        failure_of(world)


async def test_a_gate_that_cannot_be_read_fails_closed(opened: Open) -> None:
    async with opened(config="gate: high\n") as world:
        refuse_reading(world, Fault.FORBIDDEN, configuration=True)
        pull = world.open_pull(PAY)
        await world.settle()
        assert set(ended(pull).values()) == {"failure"}
        failure_of(world)


async def test_the_gate_of_the_last_review_applies_if_it_cannot_be_read_now(world: World) -> None:
    pull = world.open_pull(PAY)
    await world.settle()
    pull.take_all()
    refuse_reading(world, Fault.FORBIDDEN, configuration=True)
    pull.push({"pay.py": "def pay(cart):\n    return cart.sum\n"})
    await world.settle()
    assert set(ended(pull).values()) == {"neutral"}
    failure_of(world)


async def test_where_check_runs_are_refused_too_the_delivery_doctor_and_the_log_say_so(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path) as world:
        pull = world.create_repository().open_pull(PAY)
        refuse_reading(world, Fault.FORBIDDEN)
        world.github.faults.inject(Fault.FORBIDDEN, path="/check-runs$", times=math.inf)
        await world.settle()
        assert pull.unread() == []
        assert "GitHub refused to start the check run" in failure_of(world)
        page = await world.client.get("/deliveries", headers={"authorization": f"Bearer {DASHBOARD_TOKEN}"})
        assert "The pull request does not show this failure" in page.text
        settings = world.served.program.settings
        network = Network(github=world.github.transport(), models=world.vendors.fake.http_client())
        [line] = [str(check) async for check in examine(settings, network=network) if check.subject == "jobs"]
        assert "1 delivery failed" in line
        assert "pull_request acme/shop#1: GitHub refused to" in line


@pytest.mark.slow
async def test_a_command_that_cannot_be_carried_out_is_answered_with_the_reason(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        pull = world.create_repository().open_pull(PAY)
        await world.settle()
        refuse_reading(world, Fault.FORBIDDEN)
        pull.comment("alice", "/rereview")
        await world.settle()
        [answer] = [comment for comment in pull.issue_comments if "The command failed" in comment.body]
        assert "GitHub refused to" in answer.body
        failure_of(world)


async def test_a_merge_group_whose_pull_request_cannot_be_read_is_not_left_without_check_runs(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path) as world:
        repository = world.create_repository()
        pull = repository.open_pull(PAY)
        await world.settle()
        refuse_reading(world, Fault.FORBIDDEN)
        head_sha = repository.queue_merge([pull])
        await world.settle()
        runs = [run for run in repository.check_runs.values() if run.head_sha == head_sha]
        assert {run.conclusion for run in runs} == {"neutral"}
        assert len(runs) == 3
        failure_of(world)
