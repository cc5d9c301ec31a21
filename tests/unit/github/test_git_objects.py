"""Fetching from GitHub by git: over HTTP with the installation's token, once, and written nowhere."""

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from app.domain.diff import Side
from app.errors import GitHubUnavailable
from app.github.addresses import git_url
from app.github.app import GitHubApp
from app.github.git_objects import GitCache, GitObjects
from app.github.reader import PullRequestSource
from tests.unit.github.conftest import World


@asynccontextmanager
async def served(world: World) -> AsyncGenerator[str]:
    """The stand-in on a port of this machine, because git cannot be reached in process."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(world.github.asgi, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


async def no_token() -> str:
    return ""


def objects_of(app: GitHubApp, world: World, root: Path) -> GitObjects:
    client = app.installation(world.installation_id, "octo/shop")
    return GitCache(root).repository(
        client.git_url, installation_id=client.installation_id, token=client.token
    )


async def test_a_private_repository_is_fetched_once_with_the_installation_s_token(
    world: World, tmp_path: Path
) -> None:
    world.repository.push({"cart.py": "import pay\n"})
    world.open_pull({"pay.py": "pay = 1\n"}, fork="bob")
    async with served(world) as url:
        app = GitHubApp(world.github.app.id, world.github.app.private_key, url, clock=lambda: world.now)
        git = objects_of(app, world, tmp_path / "git")
        client = app.installation(world.installation_id, "octo/shop")
        token = await client.token()
        source = PullRequestSource(client, world.ref(), git=git)
        await source.snapshot([])

        found = await asyncio.gather(*(source.grep("pay", limit=9) for _ in range(5)))
        again = PullRequestSource(client, world.ref(), git=objects_of(app, world, tmp_path / "git"))
        await again.snapshot([])
        content = await again.blob("cart.py", Side.RIGHT)
        await app.aclose()

    assert [match.path for match in found[0]] == ["cart.py", "pay.py"]
    assert content == b"import pay\n"
    packs = [asked for asked in world.asked() if asked.endswith("POST /octo/shop.git/git-upload-pack")]
    assert 1 <= len(packs) <= 2  # one fetch: what is there, and the pack
    written = [path.read_bytes() for path in (tmp_path / "git").rglob("*") if path.is_file()]
    assert not [data for data in written if token.encode() in data or b"Authorization" in data]


async def test_a_repository_that_the_token_does_not_reach_is_unavailable(
    world: World, tmp_path: Path
) -> None:
    async with served(world) as url:

        async def wrong() -> str:
            return "ghs_wrong"

        git = GitObjects(tmp_path / "git", url=git_url(url, "octo/shop"), token=wrong)
        with pytest.raises(GitHubUnavailable, match="git cannot fetch"):
            await git.fetch("1" * 40)


async def test_a_commit_that_is_not_there_is_unavailable(world: World) -> None:
    git = world.git()
    with pytest.raises(GitHubUnavailable):
        await git.fetch("1" * 40)
    await git.fetch(world.repository.commit("main"))
    assert await git.blob(world.repository.commit("main"), "pay.py") == b"one\ntwo\nthree\n"


async def test_what_was_not_fetched_cannot_be_searched_or_compared(world: World) -> None:
    git = world.git()
    await git.fetch(world.repository.commit("main"))
    later = world.repository.push({"pay.py": "2\n"})
    with pytest.raises(GitHubUnavailable, match="git cannot search"):
        await git.grep(later, "one", limit=5)
    with pytest.raises(GitHubUnavailable, match="git cannot tell what changed"):
        await git.diff("1" * 40, "2" * 40)


async def test_a_file_above_the_limit_stays_at_github_and_breaks_no_search(world: World) -> None:
    world.repository.push({"data.csv": "word\n" * 60_000, "small.py": "word\n"})
    git = world.git()
    head = world.repository.commit("main")
    await git.fetch(head)
    assert await git.blob(head, "data.csv") is None
    assert [match.path for match in await git.grep(head, "word", limit=9)] == ["small.py"]


async def test_a_diff_fetches_the_large_files_that_it_needs(world: World) -> None:
    before = world.repository.commit("main")
    after = world.repository.push({"data.csv": "word\n" * 60_000})
    git = world.git()
    await git.fetch(before, after)
    assert (await git.diff(before, after)).count(b"\n+word") == 60_000
    assert await git.diff(before, after, ["pay.py"]) == b""


async def test_a_repository_comes_only_from_the_protocols_of_the_web(world: World, tmp_path: Path) -> None:
    git = GitObjects(tmp_path / "git", url=f"file://{world.repository.git.path}", token=no_token)
    with pytest.raises(GitHubUnavailable, match="not allowed"):
        await git.fetch(world.repository.commit("main"))


async def test_many_at_once_fetch_without_getting_in_each_other_s_way(world: World) -> None:
    commits = [world.repository.push({"n.py": f"{n}\n"}) for n in range(6)]
    await asyncio.gather(*(world.git().fetch(commit) for commit in commits))
    contents = [await world.git().blob(commit, "n.py") for commit in commits]
    assert contents == [f"{n}\n".encode() for n in range(6)]


def test_installations_share_no_objects(tmp_path: Path) -> None:
    cache = GitCache(tmp_path)
    url = "https://github.com/octo/shop.git"
    for installation_id in (1, 2, None):
        cache.repository(url, installation_id=installation_id, token=no_token)
    cache.repository(url.upper().replace("HTTPS", "https"), installation_id=1, token=no_token)
    directories = list(tmp_path.iterdir())
    assert len(directories) == 3
    assert {directory.stat().st_mode & 0o777 for directory in directories} == {0o700}


def fill(directory: Path, *, used_at: float) -> None:
    """What a fetch leaves behind, 100 bytes large."""
    (directory / "objects" / "pack").mkdir(parents=True)
    (directory / "objects" / "pack" / "pack-1.pack").write_bytes(b"x" * 100)
    (directory / "quorum.lock").touch()
    os.utime(directory / "quorum.lock", (used_at, used_at))


def test_the_longest_unused_repositories_go_until_the_rest_fits(tmp_path: Path) -> None:
    for name, used_at in {"oldest": 0, "older": 1_000, "old": 2_000, "in use": 9_000}.items():
        fill(tmp_path / name, used_at=used_at)
    cache = GitCache(tmp_path, max_bytes=250, clock=lambda: 10_000)

    cache.repository("https://github.com/octo/shop.git", installation_id=1, token=no_token)

    kept = {path.name for path in tmp_path.iterdir() if (path / "quorum.lock").exists()}
    assert kept == {"old", "in use"}


def test_the_cache_is_tidied_now_and_then_and_not_at_every_review(tmp_path: Path) -> None:
    now = [10_000.0]
    cache = GitCache(tmp_path, max_bytes=1, clock=lambda: now[0])
    cache.repository("https://github.com/octo/shop.git", installation_id=1, token=no_token)
    fill(tmp_path / "old", used_at=0)
    cache.repository("https://github.com/octo/shop.git", installation_id=1, token=no_token)
    assert (tmp_path / "old").exists()
    now[0] += 600
    cache.repository("https://github.com/octo/shop.git", installation_id=1, token=no_token)
    assert not (tmp_path / "old").exists()


def test_what_was_used_in_the_last_hour_stays_however_large(tmp_path: Path) -> None:
    fill(tmp_path / "in use", used_at=9_000)
    cache = GitCache(tmp_path, max_bytes=1, clock=lambda: 10_000)
    cache.repository("https://github.com/octo/shop.git", installation_id=1, token=no_token)
    assert (tmp_path / "in use").exists()
