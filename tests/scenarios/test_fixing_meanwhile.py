"""`/fix` while other people ask as well, push, close, merge, or take rights away: one commit, or none and the reason."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from github_sandbox import Pull
from tests.scenarios.fixing import SAFE, Fixers, text_edit
from tests.scenarios.test_fixing import SEVERAL, SHOP, commits_by_quorum, content, opened
from tests.scenarios.vendors import BUG
from tests.scenarios.world import open_shop


@pytest.mark.slow
async def test_two_people_who_ask_at_once_get_one_commit(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        fixers = Fixers(world.vendors)
        pull = await opened(world)
        pull.repository.set_role("bob", "write")
        pull.reply("alice", pull.threads[0].root, "/fix")
        pull.reply("bob", pull.threads[0].root, "/fix")
        pull.comment("bob", "/fix all")
        first, *_ = world.github.hook.queue
        await asyncio.gather(world.deliver(), world.deliver())  # at the same moment
        world.github.hook.redeliver(first.id)
        await world.settle()
        [sha] = commits_by_quorum(pull)
        replies = [each.body.partition("\n")[0] for each in pull.threads[0].comments]
        assert replies[1:4] == [
            "/fix",
            "/fix",
            f"Committed 1 fix in {sha[:12]}.",
        ]
        earlier = f"Committed in {sha[:12]}. The next review says whether the finding is gone."
        assert replies[4] == earlier
        assert [each.body.partition("\n")[0] for each in pull.issue_comments].count(earlier) == 1
        assert len(fixers.asked) == 1


@pytest.mark.slow
async def test_what_another_request_has_fixed_is_not_fixed_again(tmp_path: Path) -> None:
    other, guarded = "rate = 1 / days", "rate = 1 / max(days, 1)"
    async with open_shop(tmp_path) as world:
        bugs = {BUG: {}, other: {"severity": "medium", "title": "No days end in an error"}}
        fixers = Fixers(world.vendors, bugs)
        fixers.edits = [[text_edit()], [text_edit(old=other, new=guarded)]]
        pull = await opened(world, {"shop.py": SEVERAL.format(BUG, other)})
        pull.reply("alice", pull.threads[0].root, "/fix")
        pull.comment("alice", "/fix all")
        pull.comment("alice", "/fix all")
        await world.settle()
        first, second = commits_by_quorum(pull)
        answers = "\n".join(each.body for each in pull.issue_comments)
        assert f"Committed 1 fix in {second[:12]}." in answers
        assert "1 more finding has a fix in an earlier commit." in answers
        shas = " and ".join(sorted([first[:12], second[:12]]))
        assert f"Committed in {shas}. The next review says whether the findings are gone." in answers
        assert content(pull) == SEVERAL.format(SAFE, guarded).encode()
        assert len(fixers.asked) == 2


@pytest.mark.slow
async def test_what_changes_while_a_fix_is_made_prevents_its_commit(tmp_path: Path) -> None:
    meanwhile: dict[str, Callable[[Pull], object]] = {
        "the pull request was closed or merged meanwhile": lambda pull: pull.close(),
        "the person who asked no longer has write access": lambda pull: pull.repository.set_role("alice", "read"),
        "GitHub refused the commit": lambda pull: pull.repository.protect("change"),
        "this pull request deletes shop.py": lambda pull: pull.push({"shop.py": None}),
        "closed or merged": lambda pull: pull.merge(),
    }  # fmt: skip
    async with open_shop(tmp_path) as world:
        fixers = Fixers(world.vendors)
        for number, (reason, change) in enumerate(meanwhile.items()):
            base = {"shop.py": "x = 1\n"} if "deletes" in reason else {}
            pull = await opened(world, {"shop.py": SHOP, "a.md": "x\n"}, name=f"acme/shop{number}", base=base)

            def act(pull: Pull = pull, change: Callable[[Pull], object] = change) -> None:
                fixers.before_judging = bool
                change(pull)

            fixers.before_judging = act
            await world.reply(pull, "/fix")
            own = [each.body for each in pull.threads[0].comments if each.user is world.github.bot]
            assert any(reason in body for body in own), own
            assert commits_by_quorum(pull) == []


@pytest.mark.slow
async def test_a_finding_or_pull_request_that_is_settled_is_not_fixed(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        fixers = Fixers(world.vendors)
        pull = await opened(world)
        assert "Dismissed" in await world.reply(pull, "/dismiss")
        assert "the finding was dismissed. Restore it with `/undismiss" in await world.reply(pull, "/fix")
        await world.reply(pull, f"/undismiss {world.findings()[0].fingerprint}")
        pull.resolve("alice", pull.threads[0])
        assert "the conversation about the finding is resolved" in await world.reply(pull, "/fix")
        assert "there is no open finding" in await world.comment(pull, "/fix all")
        pull.close()
        assert "the pull request is closed" in await world.reply(pull, "/fix")
        pull.reopen()
        pull.merge()
        assert "the pull request is merged" in await world.reply(pull, "/fix")
        assert "the pull request is merged" in await world.comment(pull, "/fix all")
        assert fixers.asked == []
        assert commits_by_quorum(pull) == []
