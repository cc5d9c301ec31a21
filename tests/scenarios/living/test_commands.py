"""What people with write access say, what it does, and that nobody else is heard."""

from pathlib import Path

import pytest

from app.sandbox.pull import Pull
from app.sandbox.state import IssueComment, ReviewComment
from tests.scenarios.living.driver import BUG, App, Reviewers, own_comments, running

pytestmark = pytest.mark.timeout(60)

CART = f"def average(prices):\n    {BUG}\n    return total\n"


async def opened(app: App) -> Pull:
    pull = app.repository().open_pull({"shop.py": CART})
    await app.settle()
    return pull


async def says(app: App, pull: Pull, text: str, *, who: str = "alice") -> str:
    """The App's answer in the conversation; empty where it gave none."""
    before = set(map(id, pull.issue_comments))
    pull.comment(who, text)
    await app.settle()
    return "\n".join(c.body for c in pull.issue_comments if id(c) not in before and c.user is app.sandbox.bot)


async def replies(app: App, pull: Pull, text: str, *, who: str = "alice") -> str:
    """The App's answer in the thread of its finding."""
    [thread] = pull.threads
    pull.reply(who, thread.root, text)
    await app.settle()
    last = thread.comments[-1]
    return last.body if last.user is app.sandbox.bot else ""


def emojis(app: App, comment: IssueComment | ReviewComment) -> list[str]:
    return [reaction.content for reaction in comment.reactions if reaction.user is app.sandbox.bot]


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


async def test_a_technical_question_goes_to_claude_with_the_finding_and_its_code(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        people = Reviewers(app.vendors)
        people.intent, people.answer = "technical_question", "An empty list has no average."
        pull = await opened(app)
        app.vendors.forget()

        said = await replies(app, pull, "@quorum when does this happen?")

        assert "An empty list has no average." in said
        assert [asked.provider.value for asked in app.vendors.requests] == ["claude", "claude"]
        assert "haiku" in app.vendors.requests[0].model
        assert "An empty cart crashes" in app.vendors.requests[1].text
        assert BUG in app.vendors.requests[1].text
        assert emojis(app, pull.threads[0].comments[1]) == ["eyes"]


async def test_a_product_question_goes_to_gpt_with_the_documentation_and_the_figures(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        people = Reviewers(app.vendors)
        people.intent, people.answer = "product_question", "It costs what the figures say."
        pull = await opened(app)
        app.vendors.forget()

        said = await says(app, pull, "/ask what does it cost?")

        assert "It costs what the figures say." in said
        assert [asked.provider.value for asked in app.vendors.requests] == ["claude", "gpt"]
        assert "review_on_push" in app.vendors.requests[1].text
        assert "calls" in app.vendors.requests[1].text


async def test_a_justified_complaint_withdraws_the_finding(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        people = Reviewers(app.vendors)
        people.intent, people.withdraws, people.answer = (
            "complaint",
            True,
            "You are right, I had missed the guard.",
        )
        pull = await opened(app)

        said = await replies(app, pull, "@quorum this is wrong, the caller checks it")

        assert "I had missed the guard" in said
        assert "withdrawn" in said
        assert set(app.outcomes().values()) == {"dismissed"}


async def test_a_finding_that_holds_stands_against_a_complaint(tmp_path: Path) -> None:
    async with running(tmp_path) as app:
        people = Reviewers(app.vendors)
        people.intent, people.answer = "complaint", "It stands: an empty list reaches the division."
        pull = await opened(app)

        said = await replies(app, pull, "@quorum this is noise")

        assert "It stands" in said
        assert set(app.outcomes().values()) == {"open"}
