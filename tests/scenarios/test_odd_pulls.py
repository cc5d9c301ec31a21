"""Unusual pull requests: each gets a review that reports its coverage, and no error."""

import pytest

from github_sandbox import DiffLimits, Entry, GitHubSandbox
from github_sandbox.git import FileContent
from tests.scenarios.conftest import Open
from tests.scenarios.reading import (
    conclusions,
    inline_comments,
    take_checks,
    take_file_comments,
    take_review,
    take_summary,
)
from tests.scenarios.vendors import finding
from tests.scenarios.world import World

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
CODE = "def pay(cart, rate):\n    return cart.total / rate\n"
GREEN = {"review": "success", "security": "success", "docs": "success"}
NOTHING_READ = dict.fromkeys(GREEN, "neutral")


async def test_an_empty_pull_request_has_nothing_to_review(world: World) -> None:
    pull = world.open_pull({})
    await world.settle()
    assert not world.vendors.requests
    assert "There are no changed files." in take_summary(pull).body
    take_review(pull)
    assert set(conclusions(take_checks(pull)).values()) <= {"success", "neutral"}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        pytest.param({"logo.bin": b"\x00\x01\x02" * 100}, "binary", id="a binary"),
        pytest.param({"logo.png": PNG}, "binary", id="a picture"),
        pytest.param({"lib": Entry(b"1" * 40, mode="160000")}, "submodule", id="a submodule"),
        pytest.param({"package-lock.json": '{"lockfileVersion": 3}\n'}, "lock file", id="a lock file"),
    ],
)
async def test_unreviewed_files_are_listed_with_the_reason(
    world: World, files: dict[str, FileContent], reason: str
) -> None:
    pull = world.open_pull(files)
    await world.settle()
    summary = take_summary(pull).body
    assert f"`{next(iter(files))}` — {reason}" in summary
    take_review(pull)
    assert conclusions(take_checks(pull)) == NOTHING_READ


GATED = "gate: high\n"
EVIL = 'import os\n\n\ndef run(name):\n    os.system("ls " + name)\n'


@pytest.mark.parametrize("path", ["evil_pb2.py", "auth.generated.py", "vendor/evil.py", "dist/evil.py"])
async def test_a_name_does_not_pass_a_gate(opened: Open, path: str) -> None:
    async with opened(config=GATED) as world:
        pull = world.open_pull({path: EVIL, "ok.py": "x = 1\n"})
        await world.settle()
        [request] = world.vendors.claude.requests_for("review")
        assert path in request.text
        take_summary(pull)
        take_review(pull)
        inline_comments(pull)
        assert conclusions(take_checks(pull))["security"] == "failure"


@pytest.mark.parametrize(
    ("files", "conclusion"),
    [
        pytest.param({"logo.bin": b"\x00\x01\x02" * 100}, "failure", id="a binary"),
        pytest.param({"lib": Entry(b"1" * 40, mode="160000")}, "failure", id="a submodule"),
        pytest.param({"logo.png": PNG}, "neutral", id="a picture"),
        pytest.param({"package-lock.json": '{"lockfileVersion": 3}\n'}, "neutral", id="a lock file"),
    ],
)
async def test_a_file_that_was_left_out_never_succeeds_with_a_gate(
    opened: Open, files: dict[str, FileContent], conclusion: str
) -> None:
    async with opened(config=GATED) as world:
        pull = world.open_pull({"ok.py": "x = 1\n", **files})
        await world.settle()
        take_summary(pull)
        take_review(pull)
        assert set(conclusions(take_checks(pull)).values()) == {conclusion}


async def test_a_change_of_deletions_only_is_reviewed(world: World) -> None:
    pull = world.open_pull({"cart.py": None})
    await world.settle()
    [request] = world.vendors.claude.requests_for("review")
    assert "1-def total(items):" in request.text
    assert "read the changed file" in take_summary(pull).body
    take_review(pull)
    assert conclusions(take_checks(pull)) == GREEN


async def test_a_finding_on_a_deleted_line_is_placed_on_the_left_side(world: World) -> None:
    world.vendors.claude.finds(
        finding(
            "cart.py",
            "    return sum(item.price for item in items)",
            line=2,
            title="A caller still needs this",
        )
    )
    pull = world.open_pull({"cart.py": None})
    await world.settle()
    [comment] = inline_comments(pull)
    assert (comment.anchor.side, comment.anchor.line) == ("LEFT", 2)
    take_review(pull)
    take_summary(pull)
    take_checks(pull)


async def test_renames_with_and_without_changes_are_reviewed(opened: Open) -> None:
    files = {"old.py": "def one():\n    return 1\n" * 20, "same.py": "a = 1\n" * 20}
    async with opened(files=files) as world:
        world.vendors.claude.finds(finding("new.py", "    return 2", line=2, title="One is two now"))
        pull = world.open_pull(
            {
                "old.py": None,
                "new.py": files["old.py"].replace("return 1", "return 2", 1),
                "same.py": None,
                "moved.py": files["same.py"],
            }
        )
        await world.settle()
        [comment] = inline_comments(pull)
        assert (comment.anchor.path, comment.anchor.line) == ("new.py", 2)
        summary = take_summary(pull).body
        assert "both changed files" in summary
        take_review(pull)
        take_checks(pull)


@pytest.mark.parametrize(
    "path",
    [
        "with space.py",
        'a "quoted" name.py',
        "it's.py",
        "new\nline.py",
        "tab\there.py",
        "dash -- and `ticks`|pipes.py",
        "ünïcödé/日本.py",
        "<b>bold</b>@everyone.py",
    ],
)
async def test_unusual_file_names_are_reviewed_and_commented_on(world: World, path: str) -> None:
    world.vendors.claude.finds(
        finding(path, "    return cart.total / rate", line=2, title="A rate of 0 ends in an error")
    )
    pull = world.open_pull({path: CODE})
    await world.settle()
    [comment] = inline_comments(pull)
    assert (comment.anchor.path, comment.anchor.line) == (path, 2)
    assert "A rate of 0 ends in an error" in take_summary(pull).body
    take_review(pull)
    assert conclusions(take_checks(pull))["review"] == "neutral"


async def test_a_file_name_that_is_not_utf8_is_reviewed_or_listed(world: World) -> None:
    name = b"caf\xe9.py".decode("utf-8", "surrogateescape")
    world.vendors.claude.finds(
        finding("pay.py", "    return cart.total / rate", line=2, title="A rate of 0 ends in an error")
    )
    pull = world.open_pull({name: CODE, "pay.py": CODE})
    await world.settle()
    assert any(comment.anchor.path == "pay.py" for comment in inline_comments(pull))
    assert "both changed files" in take_summary(pull).body
    take_review(pull)
    take_file_comments(pull)
    take_checks(pull)


async def test_a_pull_request_from_a_fork_is_reviewed(world: World) -> None:
    world.vendors.claude.finds(
        finding("pay.py", "    return cart.total / rate", line=2, title="A rate of 0 ends in an error")
    )
    pull = world.open_pull({"pay.py": CODE}, fork="mallory", author="mallory")
    await world.settle()
    assert len(inline_comments(pull)) == 1
    take_review(pull)
    take_summary(pull)
    assert conclusions(take_checks(pull))["review"] == "neutral"


async def test_the_configuration_in_the_pull_request_is_ignored(world: World) -> None:
    pull = world.open_pull({"pay.py": CODE, ".github/quorum.yml": "enabled: false\n"}, fork="mallory")
    await world.settle()
    take_review(pull)
    take_summary(pull)
    assert set(conclusions(take_checks(pull))) == set(GREEN)


async def test_a_deleted_fork_is_not_an_error(world: World) -> None:
    pull = world.open_pull({"pay.py": CODE}, fork="mallory")
    pull.delete_head_repository()
    await world.settle()
    take_review(pull)
    take_summary(pull)
    assert conclusions(take_checks(pull)) == GREEN


async def test_a_patch_that_github_omits_is_read_from_git(
    tmp_path_factory: pytest.TempPathFactory, opened: Open
) -> None:
    github = GitHubSandbox(tmp_path_factory.mktemp("limits"), limits=DiffLimits(patch_changed_lines=50))
    async with opened(github=github) as world:
        long = "".join(f"value_{number} = {number}\n" for number in range(100))
        world.vendors.claude.finds(
            finding("long.py", "value_50 = 50", line=51, title="The fifty-first value is wrong")
        )
        pull = world.open_pull({"long.py": long})
        await world.settle()
        summary = take_summary(pull).body
        assert "read the changed file" in summary
        assert "`long.py`, line 51" in summary  # without a patch GitHub rejects comments on lines
        take_review(pull)
        take_file_comments(pull)
        take_checks(pull)


async def test_crlf_files_without_a_final_newline_keep_their_lines(world: World) -> None:
    world.vendors.claude.finds(
        finding("win.py", "    return cart.total / rate", line=2, title="A rate of 0 ends in an error")
    )
    pull = world.open_pull({"win.py": CODE.replace("\n", "\r\n").rstrip()})
    await world.settle()
    [comment] = inline_comments(pull)
    assert comment.anchor.line == 2
    take_review(pull)
    take_summary(pull)
    take_checks(pull)


async def test_a_mode_change_is_covered(opened: Open) -> None:
    async with opened(files={"run.sh": "echo hi\n"}) as world:
        pull = world.open_pull({"run.sh": Entry(b"echo hi\n", mode="100755")})
        await world.settle()
        assert "the changed file" in take_summary(pull).body
        take_review(pull)
        take_checks(pull)


async def test_a_draft_is_not_reviewed(world: World) -> None:
    pull = world.open_pull({"pay.py": CODE}, draft=True)
    await world.settle()
    assert not world.vendors.requests
    assert not pull.unread()
