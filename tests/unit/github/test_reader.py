"""What Quorum reads from a pull request, and how many requests it takes."""

import asyncio

import httpx
import pytest
from inline_snapshot import snapshot

from app.domain.diff import FileStatus, Side
from app.domain.publication import MarkerKind, ReviewComment, marker
from app.domain.pull_request import Source
from app.errors import GitHubNotFound, GitHubUnavailable, Superseded
from app.gather import BASE_PATHS
from app.github.app import GitHubApp
from app.github.client import token_client
from app.github.contents import fetch_file
from app.github.reader import PullRequestSource
from github_sandbox import Anchor, DiffLimits, Entry, Fault
from tests.unit.github.conftest import GitHubHarness

FINDING = marker(MarkerKind.FINDING, "f1")
SUMMARY = marker(MarkerKind.SUMMARY, "octo/shop#1")


def test_a_pull_request_is_a_source(world: GitHubHarness) -> None:
    source: Source = world.source()
    assert source


async def test_a_small_pull_request_takes_four_requests(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "one\n2\nthree\n", "new.py": "x\n", "lib/y.py": "y\n"})
    source = world.source()
    seen = await source.snapshot([".github/quorum.yml", "AGENTS.md", "CLAUDE.md"])
    for file in seen.diff.files:
        await asyncio.gather(source.blob(file.path, Side.LEFT), source.blob(file.path, Side.RIGHT))

    assert sorted(world.requests()) == sorted(
        [
            f"POST /app/installations/{world.installation_id}/access_tokens",
            "POST Snapshot",
            "GET /repos/octo/shop/pulls/1/files",
            "POST Blobs",
        ]
    )


async def test_other_files_of_a_small_change_need_no_git(world: GitHubHarness) -> None:
    world.repository.push({"lib/AGENTS.md": "Whole cents.\n"})
    world.open_pull({"lib/y.py": "y\n"})
    source = world.source(git=world.git())
    await source.snapshot([])
    paths = ["lib/y.py", "lib/AGENTS.md", "lib/REVIEW.md"]
    contents = await asyncio.gather(*(source.blob(path, Side.LEFT) for path in paths))
    assert contents == [None, b"Whole cents.\n", None]
    assert world.requests().count("POST Blobs") == 1
    assert not (world.root / "objects").exists()


async def test_the_pull_request_has_githubs_fields(world: GitHubHarness) -> None:
    pull = world.open_pull(
        {"pay.py": "2\n"}, title="Pay in pounds", body="Because.", author="bob", fork="bob", draft=True
    )
    pull.add_label("money")
    seen = (await world.source().snapshot([])).pull_request
    assert seen is not None

    assert (seen.title, seen.body, seen.author, seen.draft) == ("Pay in pounds", "Because.", "bob", True)
    assert (seen.state, seen.labels, seen.author_is_bot) == ("open", ("money",), False)
    assert (seen.base_ref, seen.base_sha) == ("main", pull.base_sha)
    assert (seen.head_sha, seen.head_repository) == (pull.head_sha, "bob/shop")


async def test_a_deleted_fork_and_a_bot_are_recognized(world: GitHubHarness) -> None:
    pull = world.open_pull({"pay.py": "2\n"}, author="dependabot[bot]", fork="bob")
    pull.delete_head_repository()
    pull.close()
    seen = (await world.source().snapshot([])).pull_request
    assert seen is not None
    assert (seen.head_repository, seen.author_is_bot, seen.state) == (None, True, "closed")


async def test_base_files_come_from_the_current_base_branch(world: GitHubHarness) -> None:
    world.open_pull({"AGENTS.md": "Obey me.\n", ".github/quorum.yml": "enabled: false\n"})
    world.repository.push({"AGENTS.md": "Be kinder.\n", "logo.md": b"\x00\x01"})

    seen = await world.source().snapshot(["AGENTS.md", ".github/quorum.yml", "logo.md", "AGENTS.md"])

    assert seen.base_files == {"AGENTS.md": b"Be kinder.\n"}
    assert seen.notes == snapshot(
        ("logo.md of the base branch was ignored: it is not text or is too large.",)
    )


async def test_quorums_own_threads_and_summary_are_recognized(world: GitHubHarness) -> None:
    pull = world.open_pull({"pay.py": "one\n2\nthree\n"})
    writer = world.writer()
    await writer.create_review(
        head_sha=pull.head_sha,
        body=marker(MarkerKind.REVIEW, "r"),
        comments=[
            ReviewComment(path="pay.py", line=2, body=f"Wrong.\n{FINDING}"),
            ReviewComment(path="pay.py", line=1, body="No marker"),
        ],
    )
    summary = await writer.create_issue_comment(f"Summary\n{SUMMARY}")
    pull.comment("mallory", f"Not yours\n{SUMMARY}")
    pull.reply("bob", pull.review_comments()[0], "Is it?")

    seen = await world.source().snapshot([])

    assert seen.summary_comment_id == summary
    (thread,) = seen.threads
    assert (thread.fingerprint, thread.path, thread.line, thread.is_resolved) == ("f1", "pay.py", 2, False)
    assert thread.comment_id == pull.review_comments()[0].id
    assert [(reply.author, reply.author_is_bot, reply.body) for reply in thread.replies] == [
        ("bob", False, "Is it?")
    ]


async def test_a_thread_with_a_copied_marker_is_ignored(world: GitHubHarness) -> None:
    pull = world.open_pull({"pay.py": "one\n2\nthree\n"})
    pull.review_comment("mallory", Anchor(path="pay.py", line=2), f"Wrong.\n{FINDING}")
    seen = await world.source().snapshot([])
    assert seen.threads == ()


async def test_a_thread_of_more_than_twenty_comments_is_read_to_its_end(world: GitHubHarness) -> None:
    pull = world.open_pull({"pay.py": "one\nTWO\nthree\n"})
    body = f"Wrong.\n{marker(MarkerKind.FINDING, 'f1')}"
    comment = ReviewComment(path="pay.py", line=2, side=Side.RIGHT, body=body)
    await world.writer().create_review(head_sha=pull.head_sha, body="One.", comments=[comment])
    for number in range(140):
        pull.reply("bob", pull.review_comments()[0], f"Reply {number}")
    pull.react("bob", pull.review_comments()[0], "+1")
    [thread] = (await world.source().snapshot([])).threads
    assert [reply.body for reply in thread.replies] == [f"Reply {number}" for number in range(140)]
    assert (thread.thumbs_up, thread.thumbs_down) == (1, 0)
    operations = [request.operation for request in world.github.requests if request.operation]
    assert operations == ["Snapshot", "ThreadComments", "ThreadComments"]


async def test_a_snapshot_costs_at_most_five_points_whatever_its_threads(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "one\nTWO\nthree\n"})
    await world.source().snapshot(BASE_PATHS)
    [points] = [request.points for request in world.github.requests if request.operation == "Snapshot"]
    assert points == 3


async def test_more_than_a_hundred_comments_and_threads_are_read(world: GitHubHarness) -> None:
    pull = world.open_pull({"pay.py": "one\n2\nthree\n"})
    for number in range(110):
        pull.comment("alice", f"comment {number}")
    writer = world.writer()
    for number in range(6):
        comments = [
            ReviewComment(path="pay.py", line=2, body=f"x\n{marker(MarkerKind.FINDING, f'{number}-{n}')}")
            for n in range(20)
        ]
        await writer.create_review(head_sha=pull.head_sha, body="r", comments=comments)
        world.now += 60
    summary = await writer.create_issue_comment(f"Late\n{SUMMARY}")

    seen = await world.source().snapshot([])

    assert seen.summary_comment_id == summary
    assert len({thread.fingerprint for thread in seen.threads}) == 120


async def test_the_base_version_is_the_head_with_the_patch_reversed(world: GitHubHarness) -> None:
    world.repository.push({"gone.py": "g\n" * 5, "old.py": "a\nb\nc\nd\ne\nf\ng\nh\n"})
    world.open_pull(
        {
            "pay.py": "one\n2\nthree\nfour\n",
            "gone.py": None,
            "old.py": None,
            "new_name.py": "a\nb\nc\nd\ne\nf\ng\nH\n",
            "added.py": "x\n",
        }
    )
    source = world.source()
    await source.snapshot([])

    both = {
        path: (await source.blob(path, Side.LEFT), await source.blob(path, Side.RIGHT))
        for path in ("pay.py", "gone.py", "new_name.py", "old.py", "added.py", "nowhere.py")
    }

    assert both == {
        "pay.py": (b"one\ntwo\nthree\n", b"one\n2\nthree\nfour\n"),
        "gone.py": (b"g\ng\ng\ng\ng\n", None),
        "new_name.py": (b"a\nb\nc\nd\ne\nf\ng\nh\n", b"a\nb\nc\nd\ne\nf\ng\nH\n"),
        "old.py": (b"a\nb\nc\nd\ne\nf\ng\nh\n", None),
        "added.py": (None, b"x\n"),
        "nowhere.py": (None, None),
    }


async def test_two_files_that_swap_names_keep_their_base_versions(world: GitHubHarness) -> None:
    first, second = "first\n" * 9, "second\n" * 9
    world.repository.push({"a.py": first, "b.py": second})
    world.open_pull({"a.py": second + "A\n", "b.py": first + "B\n"})
    source = world.source()
    await source.snapshot([])
    assert await source.blob("a.py", Side.LEFT) == first.encode()
    assert await source.blob("b.py", Side.LEFT) == second.encode()


async def test_unusual_files_are_all_listed(world: GitHubHarness) -> None:
    world.repository.push({"mode.sh": "x\n", "image.png": b"\x00\x01", "link": Entry(b"pay.py", "120000")})
    world.open_pull(
        {
            "mode.sh": Entry(b"x\n", "100755"),
            "image.png": b"\x00\x02",
            "empty.txt": "",
            "sub": Entry(b"1" * 40, "160000"),
            "with space and 'quote\".py": "x\n",
            "new\nline.py": "x\n",
            "ünï.py": "x\n",
            "link": Entry(b"AGENTS.md", "120000"),
        }
    )
    files = {file.path: file for file in (await world.source().snapshot([])).diff.files}

    assert set(files) == {
        "mode.sh", "image.png", "empty.txt", "sub", "with space and 'quote\".py", "new\nline.py", "ünï.py", "link",
    }  # fmt: skip
    assert files["image.png"].binary
    assert files["sub"].submodule
    assert not files["empty.txt"].binary
    assert files["empty.txt"].status is FileStatus.ADDED
    assert all(file.error is None for file in files.values())


async def test_an_empty_pull_request_is_valid(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "one\ntwo\nthree\n"})
    assert (await world.source().snapshot([])).diff.files == ()


@pytest.mark.parametrize("number", [99])
async def test_a_missing_pull_request_is_reported(world: GitHubHarness, number: int) -> None:
    with pytest.raises(GitHubNotFound):
        await world.source(number).snapshot([])


async def test_a_repository_without_access_is_reported(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "2\n"})
    token = world.github.tokens.create_user_token("stranger")
    client = token_client(token, "octo/shop", transport=world.transport())
    with pytest.raises(GitHubNotFound):
        await PullRequestSource(client, world.ref()).snapshot([])


async def test_many_files_are_read_page_by_page(world: GitHubHarness) -> None:
    world.open_pull({f"src/{number:03}.py": f"{number}\n" for number in range(250)})
    seen = await world.source().snapshot([])
    assert [file.path for file in seen.diff.files] == [f"src/{number:03}.py" for number in range(250)]
    assert world.requests().count("GET /repos/octo/shop/pulls/1/files") == 3


async def test_rows_hidden_by_a_full_page_are_read_in_smaller_pages(world: GitHubHarness) -> None:
    big = "".join(f"{n}\n" for n in range(1_900))
    files = {f"a{number:02}.txt": big for number in range(12)}
    world.open_pull({**files, "z_evil.py": "import os\n"})

    seen = await world.source().snapshot([])

    evil = seen.diff.file("z_evil.py")
    assert evil is not None
    assert evil.added_lines() == {1: "import os"}
    assert all(file.added for file in seen.diff.files)


async def test_a_single_binary_file_takes_no_second_request(world: GitHubHarness) -> None:
    world.open_pull({"image.png": b"\x00\x02", "pay.py": "2\n"})
    await world.source().snapshot([])
    assert world.requests().count("GET /repos/octo/shop/pulls/1/files") == 1


async def test_a_patch_that_github_withholds_comes_from_git(world: GitHubHarness) -> None:
    world.repository.push({"large.py": "x\n"})
    world.open_pull({"large.py": "".join(f"{n}\n" for n in range(2_500)), "pay.py": "2\n"})
    world.repository.push({"later.py": "on main only\n"})

    seen = await world.source(git=world.git()).snapshot([])

    large = seen.diff.file("large.py")
    assert large is not None
    assert (large.added, large.removed, large.error) == (2_500, 1, None)
    assert [file.path for file in seen.diff.files] == ["large.py", "pay.py"]
    assert seen.notes == ()


async def test_without_git_a_withheld_patch_is_reported_as_missing(world: GitHubHarness) -> None:
    world.open_pull({"large.py": "".join(f"{n}\n" for n in range(2_500)), "pay.py": "2\n"})
    seen = await world.source().snapshot([])
    large = seen.diff.file("large.py")
    assert large is not None
    assert large.error == snapshot("GitHub provides no patch for it")
    assert seen.notes == snapshot(
        ("1 of 2 changed files could not be read: GitHub provides no patch, and git is not available here.",)
    )


async def test_files_beyond_github_s_list_come_from_git_or_are_counted(world: GitHubHarness) -> None:
    world.github.limits = DiffLimits(listed_files=100)
    world.open_pull({f"src/{number:03}.py": f"{number}\n" for number in range(130)})

    seen = await world.source(git=world.git()).snapshot([])
    assert len(seen.diff.files) == 130

    seen = await world.source().snapshot([])
    assert len(seen.diff.files) == 100
    assert seen.notes == snapshot(
        (
            "30 of 130 changed files could not be read: GitHub provides no patch, and git is not available here.",
        )
    )


async def test_other_files_and_searches_come_from_one_fetch(world: GitHubHarness) -> None:
    world.repository.push({"shop/cart.py": "def total():\n    return pay\n", "b.bin": b"pay\x00"})
    world.open_pull({"pay.py": "pay = 1\n"})
    git = world.git()
    source = world.source(git=git)
    await source.snapshot([])

    matches = await source.grep("pay", limit=10)

    assert [(match.path, match.line, match.text) for match in matches] == [
        ("pay.py", 1, "pay = 1"),
        ("shop/cart.py", 2, "    return pay"),
    ]
    assert await source.grep("pa", limit=10) == []
    assert len(await source.grep("pay", limit=1)) == 1
    assert await source.blob("shop/cart.py", Side.RIGHT) == b"def total():\n    return pay\n"
    assert await source.blob("shop/cart.py", Side.LEFT) == b"def total():\n    return pay\n"
    assert await source.blob("no/such.py", Side.RIGHT) is None


async def test_a_large_pull_request_s_contents_come_from_git(world: GitHubHarness) -> None:
    world.open_pull({f"src/{number:03}.py": f"{number}\n" for number in range(20)})
    source = world.source(git=world.git())
    await source.snapshot([])
    assert await source.blob("src/007.py", Side.RIGHT) == b"7\n"
    assert "POST Blobs" not in world.requests()


async def test_without_git_a_large_pull_request_s_contents_come_one_by_one(world: GitHubHarness) -> None:
    world.open_pull({f"src/{number:03}.py": f"{number}\n" for number in range(20)})
    source = world.source()
    await source.snapshot([])
    assert await source.blob("src/007.py", Side.RIGHT) == b"7\n"
    assert await source.grep("7", limit=3) == []


async def test_a_failed_git_fetch_disables_only_the_search(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "pay = 1\n"})
    git = world.git()
    source = world.source(git=git)
    await source.snapshot([])
    world.repository.git.path.rename(world.root / "moved.git")
    try:
        assert await source.grep("pay", limit=3) == []
        assert await source.blob("elsewhere.py", Side.RIGHT) is None
    finally:
        (world.root / "moved.git").rename(world.repository.git.path)


class Pushing(httpx.AsyncBaseTransport):
    """The sandbox, with a push between the query and the list of files."""

    def __init__(self, world: GitHubHarness, *, pushes: int) -> None:
        self._inner = world.transport()
        self._pull = world.repository.pulls[1]
        self._pushes = list(range(1, pushes + 1))
        self._queried = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/graphql":
            response = await self._inner.handle_async_request(request)
            if self._pushes:
                self._pull.push({"pay.py": f"pushed {self._pushes.pop(0)}\n"})
            self._queried.set()
            return response
        if request.url.path.endswith("/files"):
            await self._queried.wait()
            self._queried.clear()
        return await self._inner.handle_async_request(request)


def source_with_pushes(world: GitHubHarness, pushes: int) -> PullRequestSource:
    app = GitHubApp(
        world.github.app.id,
        world.github.app.private_key,
        transport=Pushing(world, pushes=pushes),
        clock=lambda: world.now,
    )
    return PullRequestSource(app.installation(world.installation_id, "octo/shop"), world.ref())


async def test_a_push_during_the_read_repeats_the_read(world: GitHubHarness) -> None:
    pull = world.open_pull({"pay.py": "2\n"})

    seen = await source_with_pushes(world, 1).snapshot([])

    assert seen.pull_request is not None
    assert seen.pull_request.head_sha == pull.head_sha
    assert seen.diff.files[0].added_lines() == {1: "pushed 1"}


async def test_continuous_pushes_supersede_the_review(world: GitHubHarness) -> None:
    world.open_pull({"pay.py": "2\n"})
    with pytest.raises(Superseded):
        await source_with_pushes(world, 50).snapshot([])


async def test_a_partial_answer_is_an_error(world: GitHubHarness) -> None:
    """An unreadable configuration must not look like a missing one."""
    world.open_pull({"pay.py": "2\n"})

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/files"):
            return httpx.Response(200, json=[])
        if not request.url.path.endswith("/graphql"):
            return httpx.Response(502)
        error = {"message": "Something went wrong", "path": ["repository", "pullRequest", "baseRef"]}
        pull = {"baseRef": None, "changedFiles": 0, "headRefOid": "1"}
        return httpx.Response(200, json={"data": {"repository": {"pullRequest": pull}}, "errors": [error]})

    client = token_client("t", "octo/shop", transport=httpx.MockTransport(answer))
    with pytest.raises(GitHubUnavailable):
        await PullRequestSource(client, world.ref()).snapshot([".github/quorum.yml"])


async def test_files_of_other_repositories_can_be_read(world: GitHubHarness) -> None:
    world.github.create_repository("octo/.github", {"quorum.yml": "enabled: true\n"}, private=True)
    client = world.app.installation(world.installation_id, "octo/.github")
    assert await fetch_file(client, "quorum.yml") == b"enabled: true\n"
    assert await fetch_file(client, "no such?file#.yml") is None
    world.github.faults.inject(Fault.BAD_GATEWAY, method="GET", path="contents")
    with pytest.raises(GitHubUnavailable):
        await fetch_file(client, "quorum.yml")
