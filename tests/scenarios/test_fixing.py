"""`/fix` on a pull request: who may, what is checked, where the fix goes, and that nothing is written twice or elsewhere."""

import asyncio
import math
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from github_sandbox import Fault, Pull
from github_sandbox.git import Entry, FileContent
from tests.scenarios.fixing import SAFE, Fixers, patch_in, text_edit
from tests.scenarios.vendors import BUG
from tests.scenarios.world import World, open_shop

SHOP = f"def average(prices):\r\n    {BUG}\r\n    return total\r\n"
FIXED = SHOP.replace(BUG, SAFE)
SEVERAL = "prices = []\n{}\nx = 1\ny = 2\ndays = 3\n{}\n"
COMMIT = {".github/quorum.yml": "fixes: commit\n"}


async def opened(
    world: World,
    files: Mapping[str, FileContent] | None = None,
    *,
    base: Mapping[str, FileContent] | None = None,
    name: str = "acme/shop",
    fork: str | None = None,
    granted: bool = True,
) -> Pull:
    """A reviewed pull request with one finding, in a repository of its own."""
    repository = world.create_repository({**COMMIT, **(base or {})}, name)
    if granted:
        grant(world)
    pull = repository.open_pull(files or {"shop.py": SHOP}, branch="change", fork=fork)
    await world.settle()
    return pull


def grant(world: World) -> None:
    """Grant the App `contents: write`."""
    for installation in world.github.installations.values():
        world.github.accept_permissions(installation, {"contents": "write"})


def content(pull: Pull, path: str = "shop.py") -> bytes | None:
    return pull.repository.git.file(pull.head_sha, path)


def commits_by_quorum(pull: Pull) -> list[str]:
    git = pull.repository.git
    return [sha for sha in pull.commits() if git.commit_of(sha).author == pull.hub.bot.login]


def apply_with_git(checkout: Path, before: bytes, patch: str) -> bytes:
    """Apply a patch of `shop.py` with git itself."""
    subprocess.run(["git", "init", "-q", checkout], check=True)
    (checkout / "shop.py").write_bytes(before)
    subprocess.run(["git", "apply"], input=patch.encode(), cwd=checkout, check=True)
    return (checkout / "shop.py").read_bytes()


async def test_by_default_a_fix_is_a_patch_that_git_applies(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        fixers = Fixers(world.vendors)
        pull = await opened(world, {"shop.py": SHOP.replace("\r", "")}, base={".github/quorum.yml": ""})
        head = pull.head_sha
        assert "Reply with `/fix`, `/explain` or `/dismiss`" in pull.threads[0].root.body
        answer = await world.reply(pull, "/fix")
        assert "1 fix, confirmed by another vendor's model. Nothing was committed." in answer
        assert "Return zero for an empty cart (written by Claude" in answer
        assert "confirmed by GPT" in answer
        assert "Fix with an agent" in answer
        assert pull.head_sha == head
        assert [each.provider for each in (*fixers.asked, *fixers.judged)] == ["claude", "gpt"]
        applied = apply_with_git(tmp_path / "checkout", content(pull) or b"", patch_in(answer))
        assert applied == FIXED.replace("\r", "").encode()


@pytest.mark.slow
async def test_a_fix_is_one_commit_on_the_branch_and_its_push_is_reviewed(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Fixers(world.vendors)
        pull = await opened(world, {"shop.py": Entry(SHOP.encode(), "100755"), "notes.md": "x\n"})
        before = pull.head_sha
        answer = await world.reply(pull, "/fix")
        assert commits_by_quorum(pull), [each.body for each in pull.threads[0].comments]
        [sha] = commits_by_quorum(pull)
        commit = pull.repository.git.commit_of(sha)
        fingerprint = world.findings()[0].fingerprint
        assert commit.parents == (before,)
        assert commit.message.split("\n")[0] == "Return zero for an empty cart"
        assert f"Quorum-Finding: {fingerprint}" in commit.message
        assert f"Co-authored-by: alice <{world.github.account('alice').id}+alice@" in commit.message
        assert content(pull) == FIXED.encode()
        assert pull.repository.git.tree(sha)["shop.py"].mode == "100755"
        assert any(f"Committed 1 fix in {sha[:12]}." in each.body for each in pull.threads[0].comments), (
            answer
        )
        assert "Fixed by" in pull.threads[0].comments[-1].body
        assert world.reviews()[-1].head_sha == sha

        assert "the finding is resolved already" in await world.reply(pull, "/fix")
        assert "no open finding" in await world.comment(pull, "/fix all")
        assert "use `/fix` in the thread" in await world.comment(pull, "/fix")
        assert "The command is" in await world.comment(pull, "/fix low")
        assert commits_by_quorum(pull) == [sha]


async def test_all_open_findings_become_one_commit_by_command_or_button(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        other = "rate = 1 / days"
        fixers = Fixers(
            world.vendors, {BUG: {}, other: {"severity": "medium", "title": "No days end in an error"}}
        )
        fixers.edits = [[text_edit()], [text_edit(old=other, new="rate = 1 / max(days, 1)")]]
        pull = await opened(world, {"shop.py": SEVERAL.format(BUG, other)}, base={"old.md": "x\n"})
        runs = pull.repository.check_runs.values()
        run = next(run for run in runs if "fix_all" in {action["identifier"] for action in run.actions})
        pull.repository.request_action(run, "fix_all", user="mallory")
        await world.settle()
        assert commits_by_quorum(pull) == []
        pull.repository.request_action(run, "fix_all")
        await world.settle()
        [sha] = commits_by_quorum(pull)
        message = pull.repository.git.commit_of(sha).message
        assert message.startswith("Fix 2 findings of the review\n")
        assert content(pull) == SEVERAL.format(SAFE, "rate = 1 / max(days, 1)").encode()
        assert any(f"Committed 2 fixes in {sha[:12]}." in each.body for each in pull.issue_comments)


async def test_a_fix_in_two_places_is_a_small_diff_until_somebody_asks_for_it(tmp_path: Path) -> None:
    other, guarded = "rate = 1 / days", "rate = 1 / max(days, 1)"
    async with open_shop(tmp_path) as world:
        fixers = Fixers(
            world.vendors, {BUG: {"quote": f"{BUG}\n{other}", "suggestion": f"{SAFE}\n{guarded}"}}
        )
        fixers.edits = [[text_edit(), text_edit(old=other, new=guarded)]]
        pull = await opened(world, {"shop.py": SEVERAL.format(BUG, other)})
        body = pull.threads[0].root.body
        assert (
            f"```diff\n@@ -2,1 +2,1 @@\n-{BUG}\n+{SAFE}\n@@ -6,1 +6,1 @@\n-{other}\n+{guarded}\n```" in body
        )
        assert "Reply with `/fix`" in body
        assert "```suggestion" not in body
        await world.reply(pull, "/fix")
        assert len(commits_by_quorum(pull)) == 1
        assert content(pull) == SEVERAL.format(SAFE, guarded).encode()


@pytest.mark.slow
async def test_what_cannot_be_committed_is_a_patch_with_the_reason(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Fixers(world.vendors)
        pull = await opened(world, granted=False)
        answer = await world.reply(pull, "/fix")
        assert "the App does not have the permission" in answer
        assert "GIT binary patch" in patch_in(answer)

        grant(world)
        pull.repository.protect("change")
        assert "the branch is protected" in await world.reply(pull, "/fix")
        pull.repository.protect("change", classic=False)
        assert "the branch is protected" in await world.reply(pull, "/fix")
        del pull.repository.protected["change"]
        world.github.faults.inject(Fault.FORBIDDEN, method="PATCH", path="/git/refs/")
        assert "the App does not have the permission" in await world.reply(pull, "/fix")
        assert commits_by_quorum(pull) == []

        assert await world.reply(pull, "/fix", author="mallory") == ""

        fork = await opened(world, name="acme/forked", fork="eve")
        assert "the branch is in a fork" in await world.reply(fork, "/fix")
        off = await opened(world, name="acme/off", base={".github/quorum.yml": "fixes: off\n"})
        assert "/fix" not in off.threads[0].root.body
        assert "fixes are turned off" in await world.reply(off, "/fix")
        assert not [
            call for call in world.github_calls() if call.startswith("PATCH") and "/git/refs" in call
        ][1:]


@pytest.mark.slow
async def test_an_answer_that_the_rules_forbid_is_never_written(tmp_path: Path) -> None:
    workflow = {".github/workflows/ci.yml": "on: push\n"}
    answers = {
        "Quorum never changes .github/workflows/ci.yml": [text_edit(".github/workflows/ci.yml", "on: push", "on: pull_request_target")],
        "it changes too much": [text_edit(new="x" * 5_000_000)],
        "it leaves nothing in shop.py": [text_edit(old=SHOP.replace("\r", ""), new="")],
        "would not parse": [text_edit(new="total = (")],
        "neither a file of this pull request nor a new test": [text_edit("README.md", "A shop.", "B")],
        "the model proposed no edit": [],
    }  # fmt: skip
    async with open_shop(tmp_path, quorum_cache_ttl_s=0) as world:
        fixers = Fixers(world.vendors)
        pull = await opened(world, {"shop.py": SHOP, **workflow})
        head = pull.head_sha
        for reason, edits in answers.items():
            fixers.edits, fixers.asked[:] = [edits], []
            assert reason in await world.reply(pull, "/fix"), reason
        assert pull.head_sha == head
        assert fixers.judged == []


async def test_a_head_that_moves_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        fixers = Fixers(world.vendors)
        pull = await opened(world)

        def push() -> None:
            fixers.before_judging = bool
            pull.push({"more.py": "x = 1\n"})

        fixers.before_judging = push
        await world.reply(pull, "/fix")
        [sha] = commits_by_quorum(pull)
        assert content(pull, "more.py") == b"x = 1\n"
        assert content(pull) == FIXED.encode()
        assert pull.repository.git.commit_of(sha).parents == (pull.commits()[-2],)


async def test_a_fix_as_a_pull_request_leaves_the_branch_alone(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Fixers(world.vendors)
        pull = await opened(world, base={".github/quorum.yml": "fixes: pull_request\n"})
        head = pull.head_sha
        world.github.faults.inject(Fault.DONE_THEN_NO_ANSWER, method="POST", path="/pulls$")
        answer = await world.reply(pull, "/fix")
        [stacked] = [each for each in pull.repository.pulls.values() if each is not pull]
        assert f"Opened #{stacked.number} with 1 fix." in answer
        assert (stacked.base_ref, stacked.head_ref[:11]) == ("change", "quorum/fix-")
        assert content(stacked) == FIXED.encode()
        assert pull.head_sha == head


async def test_a_branch_that_somebody_else_filled_is_never_proposed_as_a_fix(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        fixers = Fixers(world.vendors)
        pull = await opened(world, base={".github/quorum.yml": "fixes: pull_request\n"})
        git = pull.repository.git

        def fill() -> None:
            answered = pull.threads[0].comments[-1].id
            git.commit(
                {"evil.py": "x = 1\n"},
                ref=f"refs/heads/quorum/fix-review_comment-{answered}",
                parents=[pull.head_sha],
                message="Return zero for an empty cart",
                author="mallory",
                at=1,
            )

        fixers.before_judging = fill
        answer = await world.reply(pull, "/fix")
        assert "the branch for the fix exists already, and its content is not this fix" in answer
        assert "GIT binary patch" in patch_in(answer)
        assert list(pull.repository.pulls.values()) == [pull]


async def test_a_branch_that_an_interrupted_attempt_left_becomes_one_pull_request(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        Fixers(world.vendors)
        pull = await opened(world, base={".github/quorum.yml": "fixes: pull_request\n"})
        world.github.faults.inject(Fault.NO_ANSWER, method="POST", path="/pulls$")
        assert "with 1 fix." in await world.reply(pull, "/fix")
        [stacked] = [each for each in pull.repository.pulls.values() if each is not pull]
        assert content(stacked) == FIXED.encode()


async def test_a_commit_under_quorums_name_that_github_did_not_sign_settles_nothing(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        fixers = Fixers(world.vendors)
        base = {".github/quorum.yml": "fixes: commit\nreview_on_push: false\n"}
        pull = await opened(world, base=base)
        message = f"Fix\n\nQuorum-Finding: {world.findings()[0].fingerprint}"
        pull.push({"other.md": "x\n"}, author=world.github.bot.login, message=message)
        assert "Committed 1 fix in" in await world.reply(pull, "/fix")
        assert content(pull) == FIXED.encode()
        assert len(fixers.asked) == 1


@pytest.mark.slow
async def test_an_interruption_between_commit_and_reply_leaves_one_of_each(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as world:
        fixers = Fixers(world.vendors)
        pull = await opened(world)
        world.github.faults.inject(Fault.DONE_THEN_NO_ANSWER, method="PATCH", path="/git/refs/")
        world.github.faults.inject(Fault.NO_ANSWER, path="/replies$", times=math.inf)
        pull.reply("alice", pull.threads[0].root, "/fix")
        await world.deliver()
        async with asyncio.timeout(60):
            while not commits_by_quorum(pull):  # noqa: ASYNC110 - the App commits in its own time
                await asyncio.sleep(0.05)
        await world.stop()
        world.github.faults.clear()
    async with open_shop(tmp_path, github=world.github) as again:
        asked = Fixers(again.vendors)
        await again.settle()
        assert len(commits_by_quorum(pull)) == 1
        replies = [each for each in pull.threads[0].comments if "Committed" in each.body]
        assert len(replies) == 1
        assert (len(fixers.asked), asked.asked) == (1, [])
