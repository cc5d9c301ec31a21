"""Outcomes of findings, what is learned from them, and what the configuration changes."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.domain.job import InstallationJob
from app.domain.step import run_directly
from app.jobs.installation import InstallationHandler
from app.store.outcomes import OutcomeDimension, load_outcomes
from app.store.review_tables import PullRequestRow
from github_sandbox import Pull, Repository
from tests.scenarios.reading import own_comments
from tests.scenarios.vendors import BUG, Reviewers
from tests.scenarios.world import World, open_shop

CART = f"def average(prices):\n    {BUG}\n    return total\n"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CONFIG = ".github/quorum.yml"


async def opens(world: World, repository: Repository, files: dict[str, str], **how: object) -> Pull:
    pull = repository.open_pull(files, **how)  # pyright: ignore[reportArgumentType]
    await world.settle()
    return pull


async def dismisses(world: World, pull: Pull) -> None:
    pull.reply("alice", pull.threads[0].root, "/dismiss")
    await world.settle()


@pytest.mark.slow
async def test_a_finding_dismissed_three_times_is_not_shown_a_fourth_time(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        repository = world.create_repository()
        for number in range(3):
            await dismisses(world, await opens(world, repository, {f"cart_{number}.py": CART}))

        fourth = await opens(world, repository, {"cart_4.py": CART})
        assert own_comments(fourth) == []
        summary = fourth.issue_comments[0].body
        assert "This repository dismissed" in summary

        fourth.comment("alice", "/config")
        await world.settle()
        answer = fourth.issue_comments[-1].body
        id_ = re.findall(r"\b[0-9a-f]{12}\b", answer.split("Rules learned from dismissals")[1])[0]
        fourth.comment("alice", f"/undismiss {id_}")
        await world.settle()
        assert "reports findings like these again" in fourth.issue_comments[-1].body

        fifth = await opens(world, repository, {"cart_5.py": CART})
        assert len(own_comments(fifth)) == 1


@pytest.mark.slow
async def test_a_thumbs_up_restores_the_rule(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        repository = world.create_repository()
        pulls = [await opens(world, repository, {f"cart_{number}.py": CART}) for number in range(3)]
        for pull in pulls:
            await dismisses(world, pull)
        hidden = await opens(world, repository, {"cart_3.py": CART})
        assert own_comments(hidden) == []

        pulls[0].react("alice", pulls[0].threads[0].root, "+1")
        pulls[0].push({"more.py": "x = 1\n"})
        await world.settle()

        shown = await opens(world, repository, {"cart_4.py": CART})
        assert len(own_comments(shown)) == 1


@pytest.mark.slow
async def test_outcomes_are_recorded_at_the_merge(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        repository = world.create_repository()
        fixed = await opens(world, repository, {"a.py": CART})
        fixed.push({"a.py": "total = 0\n"})
        ignored = await opens(world, repository, {"b.py": CART})
        liked = await opens(world, repository, {"c.py": CART})
        liked.react("alice", liked.threads[0].root, "+1")
        unwanted = await opens(world, repository, {"d.py": CART})
        await dismisses(world, unwanted)
        for pull in (fixed, ignored, liked, unwanted):
            pull.close()
        await world.settle()

        [line] = load_outcomes(world.database, LONG_AGO)[OutcomeDimension.PROVIDER]
        assert (line.name, line.findings, line.resolved, line.dismissed, line.silent) == (
            "claude",
            4,
            1,
            1,
            1,
        )
        assert line.thumbs_up == 1
        assert line.resolution_rate == pytest.approx(1 / 3)


async def test_an_invalid_configuration_is_annotated_on_its_line_and_blocks_nothing(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opens(
            world, world.create_repository({CONFIG: "gate: off\nmax_inlin: 3\n"}), {"shop.py": CART}
        )
        [run] = [run for run in pull.repository.check_runs.values() if run.name == "quorum/review"]
        [mark] = [mark for mark in run.annotations if mark["path"] == CONFIG]
        assert mark["start_line"] == 2
        assert "max_inline" in mark["message"]
        assert "max_inline" in pull.issue_comments[0].body
        assert len(own_comments(pull)) == 1


async def test_a_shadow_review_posts_nothing_and_records_everything(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opens(world, world.create_repository({CONFIG: "publish: shadow\n"}), {"shop.py": CART})
        assert (pull.reviews, pull.issue_comments, pull.review_comments()) == ([], [], [])
        assert len(world.findings()) == 1
        assert not world.findings()[0].shown
        assert {run.conclusion for run in pull.repository.check_runs.values()} == {"neutral", "success"}


async def test_the_organizations_default_applies_until_the_repository_overrides_it(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        world.create_repository({CONFIG: "gate: high\nstages: [review]\n"}, name="acme/.github")
        pull = await opens(world, world.create_repository({CONFIG: "gate: off\n"}), {"shop.py": CART})
        assert [run.conclusion for run in pull.repository.check_runs.values()] == ["neutral"]
        pull.comment("alice", "/config")
        await world.settle()
        answer = pull.issue_comments[-1].body
        assert '| `stages` | `["review"]` | organization |' in answer
        assert '| `gate` | `"off"` | repository |' in answer


@pytest.mark.slow
async def test_a_dependency_bots_change_is_reviewed_for_its_manifests_unless_requested(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        files = {"package.json": '{"dependencies": {"left-pad": "1.3.0"}}\n', "shop.py": CART}
        pull = await opens(world, world.create_repository(), files, author="dependabot[bot]")
        assert own_comments(pull) == []
        assert "dependency update" in pull.issue_comments[0].body
        pull.comment("alice", "/rereview full")
        await world.settle()
        assert len(own_comments(pull)) == 1


async def test_a_push_continues_the_review_that_it_superseded(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        repository = world.create_repository({CONFIG: "review_on_push: false\n"})
        pull = repository.open_pull({"shop.py": CART})
        pull.push({"late.py": "x = 1\n"})
        await world.settle()
        assert people.bugs
        assert [review.commit_id for review in pull.reviews] == [pull.head_sha]

        pull.push({"later.py": "y = 1\n"})
        await world.settle()
        assert len(pull.reviews) == 1
        assert world.reviews()[-1].error == "the configuration says `review_on_push: false`"


@pytest.mark.parametrize(
    ("change", "installation_offset", "name"), [("renamed", 0, "acme/store"), ("transferred", 1, "octo/shop")]
)
async def test_a_moved_repository_keeps_its_memory(
    tmp_path: Path, change: str, installation_offset: int, name: str
) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opens(world, world.create_repository(), {"shop.py": CART})
        [installation] = world.github.installations.values()
        job = InstallationJob(
            installation_id=installation.id + installation_offset,
            account=name.partition("/")[0],
            change=change,
            guid="g",
            repositories=(name,),
            previous_repository="acme/shop",
        )
        await InstallationHandler(database=world.database, clock=lambda: LONG_AGO).handle(job, run_directly)
        with world.database.read() as session:
            row = session.get_one(PullRequestRow, (name, 1))
        assert (row.reviewed_sha, row.installation_id) == (pull.head_sha, job.installation_id)


async def test_resolve_closes_findings_fixed_at_the_newest_head(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        repository = world.create_repository({CONFIG: "review_on_push: false\n"})
        pull = await opens(world, repository, {"shop.py": CART, "other.py": CART})
        pull.push({"shop.py": CART.replace(BUG, "total = 0")})
        await world.settle()
        pull.comment("alice", "/resolve")
        await world.settle()
        assert "1 comment" in pull.issue_comments[-1].body
        folded = {t.root.anchor.path for t in pull.threads if t.root.minimized_reason}
        assert folded == {"shop.py"}


async def test_explain_asks_claude_about_the_finding_of_the_thread(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        people = Reviewers(world.vendors)
        people.answer = "With no prices the divisor is 0."
        pull = await opens(world, world.create_repository(), {"shop.py": CART})
        world.vendors.fake.forget()
        pull.reply("alice", pull.threads[0].root, "/explain")
        await world.settle()
        assert "the divisor is 0" in pull.threads[0].comments[-1].body
        assert [request.provider.value for request in world.vendors.fake.requests] == ["claude"]
