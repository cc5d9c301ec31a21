"""Events of installations and repositories, and their effects."""

from datetime import timedelta
from pathlib import Path

from sqlmodel import select

from app.clock import utc_now
from app.commands.doctor import examine
from app.main import Network
from app.store.call_tables import ModelCallRow
from app.store.findings import FindingOutcome
from app.store.installations import purge
from app.store.job_tables import InstallationRow
from app.store.review_tables import FindingRow, PullRequestRow, ReviewRow
from github_sandbox import GitHubSandbox, Pull
from github_sandbox.registration import PERMISSIONS
from github_sandbox.state import Installation
from tests.scenarios.reading import own_comments
from tests.scenarios.vendors import BUG, Reviewers
from tests.scenarios.world import World, open_shop

CART = f"def average(prices):\n    {BUG}\n    return total\n"
FIXED = CART.replace(BUG, "total = 0")
MONTH = timedelta(days=30)


async def opened(world: World, *, files: dict[str, str] | None = None) -> tuple[Pull, Installation]:
    pull = world.create_repository(files).open_pull({"shop.py": CART})
    await world.settle()
    [installation] = world.github.installations.values()
    return pull, installation


def titles(world: World) -> set[str]:
    return {row.title for row in world.findings()}


def checks(pull: Pull) -> dict[str, str | None]:
    """Name → conclusion, on the newest commit."""
    runs = [run for run in pull.repository.check_runs.values() if run.head_sha == pull.head_sha]
    return {run.name: run.conclusion for run in runs}


def stored_state(world: World, installation_id: int) -> str | None:
    with world.database.read() as session:
        row = session.get(InstallationRow, installation_id)
    return row.state if row else None


async def test_a_suspended_installation_is_ignored_until_it_is_unsuspended(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull, installation = await opened(world)
        world.github.suspend(installation)
        pull.push({"more.py": "x = 1\n"})
        await world.settle()
        assert stored_state(world, installation.id) == "suspended"
        assert len(world.reviews()) == 1

        world.github.unsuspend(installation)
        pull.push({"more.py": "x = 2\n"})
        await world.settle()
        assert stored_state(world, installation.id) == "active"
        assert [each.status for each in world.reviews()] == ["completed", "completed"]
        assert len(own_comments(pull)) == 1


async def test_data_of_a_deleted_installation_is_purged_after_the_retention_time(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        _, installation = await opened(world)
        world.github.uninstall(installation)
        await world.settle()

        purge(world.database, now=utc_now() + MONTH - timedelta(days=1), keep=MONTH)
        assert world.findings()
        purge(world.database, now=utc_now() + MONTH + timedelta(days=1), keep=MONTH)
        with world.database.read() as session:
            for table in (FindingRow, ReviewRow, ModelCallRow, PullRequestRow):
                assert session.exec(select(table)).all() == []
        assert stored_state(world, installation.id) is None


async def test_an_installation_that_returns_in_time_keeps_its_data(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull, installation = await opened(world)
        world.github.uninstall(installation)
        await world.settle()
        world.github.install("acme", announce=True)
        pull.push({"more.py": "x = 1\n"})
        await world.settle()
        assert len(own_comments(pull)) == 1
        assert set(world.outcomes().values()) == {FindingOutcome.OPEN}


async def test_texts_of_an_unreachable_repository_are_purged_after_the_retention_time(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull, installation = await opened(world)
        world.github.create_repository("acme/other", {"README.md": "x\n"})
        purge(world.database, now=utc_now() + 2 * MONTH, keep=MONTH)
        assert titles(world) != {""}  # the pull request is open: people can still act on it

        world.github.select_repositories(installation, ["acme/other"])
        await world.settle()
        purge(world.database, now=utc_now() + 2 * MONTH, keep=MONTH)
        assert titles(world) == {""}

        world.github.select_repositories(installation, ["acme/other", "acme/shop"])
        pull.push({"more.py": CART})
        await world.settle()
        purge(world.database, now=utc_now() + 2 * MONTH, keep=MONTH)
        assert "An empty cart crashes, because the number of prices is the divisor" in titles(world)


async def test_a_renamed_repository_keeps_its_state(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull, _ = await opened(world)
        world.github.rename(pull.repository, "store")
        await world.settle()
        world.vendors.fake.forget()
        pull.push({"shop.py": FIXED})
        await world.settle()
        assert "Fixed by" in pull.threads[0].comments[-1].body
        assert len(pull.issue_comments) == 1
        assert {row.repository for row in world.reviews()} == {"acme/store"}


async def test_a_transferred_repository_keeps_its_state_under_its_new_owner(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull, _ = await opened(world)
        there = world.github.install("newco")
        world.github.transfer(pull.repository, "newco")
        await world.settle()
        pull.push({"shop.py": FIXED})
        await world.settle()
        assert "Fixed by" in pull.threads[0].comments[-1].body
        assert len(pull.issue_comments) == 1
        assert {(row.repository, row.installation_id) for row in world.reviews()} == {
            ("newco/shop", there.id)
        }


async def _with_less(tmp_path: Path, **levels: str | None) -> GitHubSandbox:
    """Build a GitHub whose owner has not granted everything that the App requests."""
    github = GitHubSandbox(tmp_path / "github")
    granted = {name: level for name, level in (PERMISSIONS | levels).items() if level}
    github.install("acme", permissions=granted)
    return github


async def test_without_permission_to_review_the_check_run_contains_everything_and_says_so(
    tmp_path: Path,
) -> None:
    github = await _with_less(tmp_path, pull_requests="read")
    async with open_shop(tmp_path, github=github) as world:
        Reviewers(world.vendors)
        pull, _ = await opened(world, files={".github/quorum.yml": "gate: high\n"})
        assert (pull.reviews, own_comments(pull)) == ([], [])
        assert checks(pull)["quorum/review"] == "failure"
        [run] = [run for run in pull.repository.check_runs.values() if run.name == "quorum/review"]
        assert "Disabled because" in (run.summary or "")
        assert "`pull_requests: write`" in (run.summary or "")
        assert "An empty cart crashes" in (run.text or "")
        assert "An empty cart crashes" in pull.issue_comments[0].body


async def test_without_permission_to_comment_the_rest_works(tmp_path: Path) -> None:
    github = await _with_less(tmp_path, issues="read")
    async with open_shop(tmp_path, github=github) as world:
        Reviewers(world.vendors)
        pull, _ = await opened(world)
        assert pull.issue_comments == []
        assert len(own_comments(pull)) == 1
        [run] = [run for run in pull.repository.check_runs.values() if run.name == "quorum/review"]
        assert "`issues: write`" in (run.summary or "")

        pull.comment("alice", "/rereview full")
        await world.settle()
        assert [row.status for row in world.reviews()] == ["completed", "completed"]
        assert pull.issue_comments[0].reactions == []


async def test_without_permission_for_check_runs_the_summary_says_so(tmp_path: Path) -> None:
    github = await _with_less(tmp_path, checks=None)
    async with open_shop(tmp_path, github=github) as world:
        Reviewers(world.vendors)
        pull, _ = await opened(world)
        assert checks(pull) == {}
        assert len(own_comments(pull)) == 1
        assert "check runs (needs `checks: write`)" in pull.issue_comments[0].body


async def test_a_permission_granted_later_is_used_with_the_next_token(tmp_path: Path) -> None:
    github = await _with_less(tmp_path, pull_requests="read")
    async with open_shop(tmp_path, github=github) as world:
        Reviewers(world.vendors)
        pull, installation = await opened(world)
        world.github.accept_permissions(installation, {"pull_requests": "write"})
        await world.settle()
        pull.push({"more.py": CART})
        await world.settle()
        assert len(own_comments(pull)) == 1


async def test_doctor_names_the_account_that_grants_too_little_and_the_missing_features(
    tmp_path: Path,
) -> None:
    github = await _with_less(tmp_path, pull_requests="read")
    async with open_shop(tmp_path, github=github) as world:
        settings = world.served.program.settings
        network = Network(github=github.transport(), models=world.vendors.fake.http_client())
        lines = [str(check) async for check in examine(settings, network=network)]
        [granted] = [line for line in lines if " granted " in line]
        assert "acme grants less" in granted
        assert "the review and its inline comments (needs `pull_requests: write`)" in granted
