"""Commands from people with write access, what they do, and that everyone else is ignored."""

import re
from pathlib import Path

import pytest

from github_sandbox import GitHubSandbox, Pull
from tests.scenarios.reading import own_comments
from tests.scenarios.vendors import BUG, Reviewers
from tests.scenarios.world import World, open_shop

CART = f"def average(prices):\n    {BUG}\n    return total\n"


async def opened(world: World) -> Pull:
    pull = world.create_repository().open_pull({"shop.py": CART})
    await world.settle()
    return pull


@pytest.mark.slow
async def test_commands_that_need_no_model_are_answered(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        world.vendors.fake.forget()

        assert "/rereview" in await world.comment(pull, "/help")
        assert "Did you mean `/rereview`" in await world.comment(pull, "/rerevew")
        assert "The command is" in await world.comment(pull, "/rereview everything")
        assert "only works in the thread" in await world.comment(pull, "/dismiss")
        config = await world.comment(pull, "/config")
        assert "`max_inline`" in config
        assert "default" in config
        assert "Paused" in await world.comment(pull, "/pause")
        pull.push({"more.py": "x = 1\n"})
        await world.settle()
        assert world.reviews()[-1].status == "cancelled"
        assert "Resumed" in await world.comment(pull, "/resume")
        assert world.vendors.fake.requests == []


@pytest.mark.parametrize(
    ("author", "text"),
    [
        ("mallory", "/rereview full"),
        ("mallory", "@quorum what is this?"),
        ("helper[bot]", "/rereview full"),
        ("alice", "> /rereview full"),
        ("alice", "```\n/rereview full\n```"),
        ("alice", "    /rereview full"),
        ("alice", " /rereview full"),
        ("alice", "Please\n/rereview full"),
    ],
)
async def test_other_people_and_other_texts_are_not_commands(tmp_path: Path, author: str, text: str) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        world.vendors.fake.forget()
        assert await world.comment(pull, text, author=author) == ""
        assert world.vendors.fake.requests == []


async def test_an_edited_comment_is_not_a_command(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        comment = pull.comment("alice", "Thanks")
        await world.settle()
        world.vendors.fake.forget()
        pull.edit_comment("alice", comment, "/rereview full")
        await world.settle()
        assert world.vendors.fake.requests == []


@pytest.mark.slow
async def test_a_dismissed_finding_leaves_summary_and_check_run_and_can_be_restored(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)

        assert "Dismissed 1 finding" in await world.reply(pull, "/dismiss prices are never empty here")
        [row] = {row.fingerprint: row for row in world.findings()}.values()
        assert (row.outcome, row.reason) == ("dismissed", "alice: prices are never empty here")
        assert "no problems found" in pull.issue_comments[0].body
        newest = [r for r in pull.repository.check_runs.values() if r.name == "quorum/review"][-1]
        assert newest.conclusion == "success"

        assert "Restored" in await world.comment(pull, f"/undismiss {row.fingerprint[:12]}")
        assert "finding" in pull.issue_comments[0].body
        assert len(own_comments(pull)) == 2


async def test_a_bot_may_give_commands_if_the_operator_lists_its_id(tmp_path: Path) -> None:
    github = GitHubSandbox(tmp_path / "github")
    helper = github.account("helper[bot]")
    async with open_shop(tmp_path, github=github, quorum_allowed_bots=(helper.id,)) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        assert "/rereview" in await world.comment(pull, "/help", author="helper[bot]")
        world.vendors.fake.forget()
        assert await world.comment(pull, "/rereview full", author="other[bot]") == ""
        assert world.vendors.fake.requests == []


@pytest.mark.slow
async def test_a_dismissal_is_undone_by_its_id_from_the_conversation(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        answer = await world.reply(pull, "/dismiss")
        [id_] = re.findall(r"/undismiss ([0-9a-f]{12})", answer)

        assert "No dismissed finding" in await world.comment(pull, "/undismiss 0123456789ab")
        assert set(world.outcomes().values()) == {"dismissed"}
        assert "Restored" in await world.comment(pull, f"/undismiss {id_}")
        assert set(world.outcomes().values()) == {"open"}
        assert "finding" in pull.issue_comments[0].body


async def test_a_comment_delivered_twice_is_answered_once(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Reviewers(world.vendors)
        pull = await opened(world)
        await world.comment(pull, "/help")
        [delivery] = [each for each in world.github.hook.log.values() if each.event == "issue_comment"][-1:]
        before = len(pull.issue_comments)
        world.github.hook.redeliver(delivery.id)
        await world.settle()
        assert len(pull.issue_comments) == before
