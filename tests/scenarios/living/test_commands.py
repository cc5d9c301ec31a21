"""What people with write access say, what it does, and that nobody else is heard."""

import re
from pathlib import Path

import pytest

from github_sandbox import GitHubSandbox, Pull
from tests.scenarios.living.driver import BUG, App, Reviewers, own_comments, replies, running, says

CART = f"def average(prices):\n    {BUG}\n    return total\n"


async def opened(app: App) -> Pull:
    pull = app.repository().open_pull({"shop.py": CART})
    await app.settle()
    return pull


async def test_commands_that_need_no_model_are_answered(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        Reviewers(app.vendors)
        pull = await opened(app)
        app.vendors.forget()

        assert "/rereview" in await says(app, pull, "/help")
        assert "Did you mean `/rereview`" in await says(app, pull, "/rerevew")
        assert "The command is" in await says(app, pull, "/rereview everything")
        assert "belongs in the thread" in await says(app, pull, "/dismiss")
        config = await says(app, pull, "/config")
        assert "`max_inline`" in config
        assert "default" in config
        assert "Paused" in await says(app, pull, "/pause")
        pull.push({"more.py": "x = 1\n"})
        await app.settle()
        assert app.reviews()[-1].status == "cancelled"
        assert "Resumed" in await says(app, pull, "/resume")
        assert app.vendors.requests == []


@pytest.mark.parametrize(
    ("who", "text"),
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
async def test_nobody_else_and_nothing_else_commands(tmp_path: Path, who: str, text: str) -> None:
    async with running(tmp_path) as app:
        Reviewers(app.vendors)
        pull = await opened(app)
        app.vendors.forget()
        assert await says(app, pull, text, who=who) == ""
        assert app.vendors.requests == []


async def test_an_edited_comment_commands_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        Reviewers(app.vendors)
        pull = await opened(app)
        comment = pull.comment("alice", "Thanks")
        await app.settle()
        app.vendors.forget()
        pull.edit_comment("alice", comment, "/rereview full")
        await app.settle()
        assert app.vendors.requests == []


async def test_a_dismissed_finding_leaves_summary_and_check_run_and_can_come_back(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        Reviewers(app.vendors)
        pull = await opened(app)

        assert "Dismissed 1 finding" in await replies(app, pull, "/dismiss prices are never empty here")
        [row] = {row.fingerprint: row for row in app.findings()}.values()
        assert (row.outcome, row.reason) == ("dismissed", "alice: prices are never empty here")
        assert "no problems found" in pull.issue_comments[0].body
        newest = [r for r in pull.repository.check_runs.values() if r.name == "quorum/review"][-1]
        assert newest.conclusion == "success"

        assert "Open again" in await says(app, pull, f"/undismiss {row.fingerprint[:12]}")
        assert "1 problem" in pull.issue_comments[0].body
        assert len(own_comments(app, pull)) == 2


async def test_a_bot_commands_if_the_operator_names_its_id(tmp_path: Path) -> None:
    github = GitHubSandbox(tmp_path / "github")
    helper = github.account("helper[bot]")
    async with running(tmp_path, sandbox=github, quorum_allowed_bots=(helper.id,)) as app:
        Reviewers(app.vendors)
        pull = await opened(app)
        assert "/rereview" in await says(app, pull, "/help", who="helper[bot]")
        app.vendors.forget()
        assert await says(app, pull, "/rereview full", who="other[bot]") == ""
        assert app.vendors.requests == []


async def test_a_decision_is_taken_back_by_its_id_also_from_the_conversation(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        Reviewers(app.vendors)
        pull = await opened(app)
        said = await replies(app, pull, "/dismiss")
        [id_] = re.findall(r"/undismiss ([0-9a-f]{12})", said)

        assert "no dismissed finding" in await says(app, pull, "/undismiss 0123456789ab")
        assert set(app.outcomes().values()) == {"dismissed"}
        assert "Open again" in await says(app, pull, f"/undismiss {id_}")
        assert set(app.outcomes().values()) == {"open"}
        assert "1 problem" in pull.issue_comments[0].body


async def test_a_comment_that_is_delivered_twice_is_answered_once(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        Reviewers(app.vendors)
        pull = await opened(app)
        await says(app, pull, "/help")
        [delivery] = [each for each in app.sandbox.hook.log.values() if each.event == "issue_comment"][-1:]
        before = len(pull.issue_comments)
        app.sandbox.hook.redeliver(delivery.id)
        await app.settle()
        assert len(pull.issue_comments) == before
