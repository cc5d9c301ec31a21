"""git fetches once over HTTP with the installation's token, which is never written to disk."""

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
from app.github.auth import FixedToken
from app.github.git_objects import GitCache, GitObjects
from app.github.reader import PullRequestSource
from tests.unit.github.conftest import GitHubHarness


@asynccontextmanager
async def served(world: GitHubHarness) -> AsyncGenerator[str]:
    """The sandbox on a local port, because git needs a server."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(world.github.asgi, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


def objects_of(app: GitHubApp, world: GitHubHarness, root: Path) -> GitObjects:
    client = app.installation(world.installation_id, "octo/shop")
    return GitCache(root).repository(
        client.git_url, installation_id=client.installation_id, credential=client
    )


async def test_a_private_repository_is_fetched_once_with_the_installations_token(
    world: GitHubHarness, tmp_path: Path
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
    packs = [
        request for request in world.requests() if request.endswith("POST /octo/shop.git/git-upload-pack")
    ]
    assert 1 <= len(packs) <= 2  # one fetch: the list of refs, and the pack
    written = [path.read_bytes() for path in (tmp_path / "git").rglob("*") if path.is_file()]
    assert not [data for data in written if token.encode() in data or b"Authorization" in data]


async def test_a_repository_that_the_token_cannot_access_is_unavailable(
    world: GitHubHarness, tmp_path: Path
) -> None:
    async with served(world) as url:
        git = GitObjects(tmp_path / "git", url=git_url(url, "octo/shop"), credential=FixedToken("ghs_wrong"))
        with pytest.raises(GitHubUnavailable, match="git cannot fetch"):
            await git.fetch("1" * 40)


async def test_a_missing_commit_is_unavailable(world: GitHubHarness) -> None:
    git = world.git()
    with pytest.raises(GitHubUnavailable):
        await git.fetch("1" * 40)
    await git.fetch(world.repository.commit("main"))
    assert await git.blob(world.repository.commit("main"), "pay.py") == b"one\ntwo\nthree\n"


async def test_commits_must_be_fetched_before_a_search_or_diff(world: GitHubHarness) -> None:
    git = world.git()
    await git.fetch(world.repository.commit("main"))
    later = world.repository.push({"pay.py": "2\n"})
    with pytest.raises(GitHubUnavailable, match="git grep failed"):
        await git.grep(later, "one", limit=5)
    with pytest.raises(GitHubUnavailable, match="git diff failed"):
        await git.diff("1" * 40, "2" * 40)


async def test_a_large_file_is_not_fetched_and_breaks_no_search(world: GitHubHarness) -> None:
    world.repository.push({"data.csv": "word\n" * 60_000, "small.py": "word\n"})
    git = world.git()
    head = world.repository.commit("main")
    await git.fetch(head)
    assert await git.blob(head, "data.csv") is None
    assert [match.path for match in await git.grep(head, "word", limit=9)] == ["small.py"]


async def test_a_diff_fetches_the_large_files_that_it_needs(world: GitHubHarness) -> None:
    before = world.repository.commit("main")
    after = world.repository.push({"data.csv": "word\n" * 60_000})
    git = world.git()
    await git.fetch(before, after)
    assert (await git.diff(before, after)).count(b"\n+word") == 60_000
    assert await git.diff(before, after, ["pay.py"]) == b""


async def test_repositories_are_fetched_only_over_http(world: GitHubHarness, tmp_path: Path) -> None:
    git = GitObjects(tmp_path / "git", url=f"file://{world.repository.git.path}", credential=FixedToken(""))
    with pytest.raises(GitHubUnavailable, match="not allowed"):
        await git.fetch(world.repository.commit("main"))


async def test_concurrent_fetches_do_not_conflict(world: GitHubHarness) -> None:
    commits = [world.repository.push({"n.py": f"{n}\n"}) for n in range(6)]
    await asyncio.gather(*(world.git().fetch(commit) for commit in commits))
    contents = [await world.git().blob(commit, "n.py") for commit in commits]
    assert contents == [f"{n}\n".encode() for n in range(6)]


def test_installations_share_no_objects(tmp_path: Path) -> None:
    cache = GitCache(tmp_path)
    url = "https://github.com/octo/shop.git"
    for installation_id in (1, 2, None):
        cache.repository(url, installation_id=installation_id, credential=FixedToken(""))
    cache.repository(url.upper().replace("HTTPS", "https"), installation_id=1, credential=FixedToken(""))
    directories = list(tmp_path.iterdir())
    assert len(directories) == 3
    assert {directory.stat().st_mode & 0o777 for directory in directories} == {0o700}


def fill(directory: Path, *, used_at: float) -> None:
    """The files of a fetch, with a pack of 100 bytes."""
    (directory / "objects" / "pack").mkdir(parents=True)
    (directory / "objects" / "pack" / "pack-1.pack").write_bytes(b"x" * 100)
    (directory / "quorum.lock").touch()
    os.utime(directory / "quorum.lock", (used_at, used_at))


def test_the_least_recently_used_repositories_are_evicted(tmp_path: Path) -> None:
    for name, used_at in {"oldest": 0, "older": 1_000, "old": 2_000, "in use": 9_000}.items():
        fill(tmp_path / name, used_at=used_at)
    cache = GitCache(tmp_path, max_bytes=250, clock=lambda: 10_000)

    cache.repository("https://github.com/octo/shop.git", installation_id=1, credential=FixedToken(""))

    kept = {path.name for path in tmp_path.iterdir() if (path / "quorum.lock").exists()}
    assert kept == {"old", "in use"}


def test_the_cache_is_evicted_periodically(tmp_path: Path) -> None:
    now = [10_000.0]
    cache = GitCache(tmp_path, max_bytes=1, clock=lambda: now[0])
    cache.repository("https://github.com/octo/shop.git", installation_id=1, credential=FixedToken(""))
    fill(tmp_path / "old", used_at=0)
    cache.repository("https://github.com/octo/shop.git", installation_id=1, credential=FixedToken(""))
    assert (tmp_path / "old").exists()
    now[0] += 600
    cache.repository("https://github.com/octo/shop.git", installation_id=1, credential=FixedToken(""))
    assert not (tmp_path / "old").exists()


def test_repositories_used_within_an_hour_are_never_evicted(tmp_path: Path) -> None:
    fill(tmp_path / "in use", used_at=9_000)
    cache = GitCache(tmp_path, max_bytes=1, clock=lambda: 10_000)
    cache.repository("https://github.com/octo/shop.git", installation_id=1, credential=FixedToken(""))
    assert (tmp_path / "in use").exists()
