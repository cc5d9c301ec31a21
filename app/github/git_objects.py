"""Commits of GitHub repositories as git objects on this machine: fetched shallow and bare, never checked out.

One cache for all repositories, apart by installation; a directory each. Serves what the API serves badly: many files,
a search of the tree, patches that GitHub keeps back. The token is git's for one command and is written nowhere.
"""

import asyncio
import base64
import fcntl
import hashlib
import logging
import math
import shutil
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from app.domain.pull_request import TextMatch
from app.errors import GitHubUnavailable
from app.github.git_blobs import read_blobs
from app.github.git_process import DIFF_FLAGS, Git, GitFailed
from app.github.git_search import Search, grep_tree
from app.github.together import Together

BLOB_LIMIT = "blob:limit=200k"  # larger files stay at GitHub
MAX_DIFF_BYTES = 64 * 1024 * 1024
MAX_FILE_BLOCKS = 2 * 1024 * 1024  # of 512 bytes: no pack above 1 GiB
MAX_CACHE_BYTES = 5 * 1024 * 1024 * 1024
UNUSED_AFTER_S = 3_600.0
EVICTION_PERIOD_S = 600.0
FETCH_TIMEOUT_S = 120.0
LOCK = "quorum.lock"

_log = logging.getLogger(__name__)


class GitObjects:
    """The fetched commits of one repository."""

    def __init__(
        self,
        directory: Path,
        *,
        url: str,
        token: Callable[[], Awaitable[str]],
        protocols: Sequence[str] = ("https", "http"),
    ) -> None:
        self._directory = directory
        self._url = url
        self._token = token
        self._protocols = protocols
        self._git = Git(directory=directory)
        self._blobs = Together(partial(read_blobs, self._git))
        self._searches = Together(self._search)
        self._lock = asyncio.Lock()

    async def fetch(self, *commits: str) -> None:
        """Fetches those of the commits that are not here, at depth 1.

        Raises `GitHubUnavailable`, also where the repository is larger than the limits.
        """
        async with self._lock, _locked(self._directory):
            try:
                missing = [commit for commit in commits if not await self._has(commit)]
                if missing:
                    await self._fetch(missing)
            except GitFailed as error:
                raise GitHubUnavailable(f"git cannot fetch from {self._url}: {error}") from error

    async def _fetch(self, commits: Sequence[str]) -> None:
        git = await self._online()
        if not (self._directory / "objects").exists():
            await git.run("init", "--quiet", "--bare", "--template=", ".")
        flags = ("--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
        await git.run("fetch", "--quiet", *flags, f"--filter={BLOB_LIMIT}", "origin", *commits)

    async def _online(self) -> Git:
        """A git that may reach GitHub. The remote exists for one command: at all others a blob that is not here stays
        unread, where git would fetch such blobs one by one.
        """
        parts = urlsplit(self._url)
        remote = {
            "remote.origin.url": self._url,
            "remote.origin.promisor": "true",
            "remote.origin.partialCloneFilter": BLOB_LIMIT,
            "http.followRedirects": "false",
            "http.lowSpeedLimit": "1000",
            "http.lowSpeedTime": "30",
            **{f"protocol.{protocol}.allow": "always" for protocol in self._protocols},
        }
        if token := await self._token():
            basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
            remote[f"http.{parts.scheme}://{parts.netloc}/.extraHeader"] = f"Authorization: Basic {basic}"
        return Git(
            directory=self._directory,
            config=remote,
            environment={"GIT_NO_LAZY_FETCH": "0"},
            timeout_s=FETCH_TIMEOUT_S,
            max_file_blocks=MAX_FILE_BLOCKS,
        )

    async def _has(self, commit: str) -> bool:
        try:
            await self._git.run("cat-file", "-e", f"{commit}^{{commit}}")
        except GitFailed:
            return False
        return True

    async def blob(self, commit: str, path: str) -> bytes | None:
        """A file of a fetched commit; None where there is none, or none that is small enough."""
        try:
            return await self._blobs.ask(f"{commit}:{path}")
        except GitFailed as error:
            _log.debug("No content of %s: %s", path, error)
            return None

    async def grep(self, commit: str, word: str, *, limit: int) -> list[TextMatch]:
        """Lines of a fetched commit's text files that hold the word; at most `limit`. Raises `GitHubUnavailable`."""
        try:
            return await self._searches.ask((commit, Search(word, limit))) or []
        except GitFailed as error:
            raise GitHubUnavailable(f"git cannot search: {error}") from error

    async def _search(self, asked: Sequence[tuple[str, Search]]) -> dict[tuple[str, Search], list[TextMatch]]:
        commits = dict.fromkeys(commit for commit, _ in asked)
        return {
            (commit, search): matches
            for commit in commits
            for search, matches in (
                await grep_tree(self._git, [search for at, search in asked if at == commit], tree=commit)
            ).items()
        }

    async def diff(self, base: str, head: str, paths: Sequence[str] = ()) -> bytes:
        """The patch between two fetched commits, of all files or of `paths`; large files are fetched for it.

        Raises `GitHubUnavailable`.
        """
        try:
            git = await self._online()
            return await git.run("diff", *DIFF_FLAGS, base, head, "--", *paths, max_bytes=MAX_DIFF_BYTES)
        except GitFailed as error:
            raise GitHubUnavailable(f"git cannot tell what changed: {error}") from error


class GitCache:
    """Where the repositories' objects are kept; the longest unused go when there are too many."""

    def __init__(
        self, root: Path, *, max_bytes: int = MAX_CACHE_BYTES, clock: Callable[[], float] = time.time
    ) -> None:
        self._root = root
        self._clock = clock
        self._max_bytes = max_bytes
        self._evicted_at = -math.inf

    def repository(
        self, url: str, *, installation_id: int | None, token: Callable[[], Awaitable[str]]
    ) -> GitObjects:
        """The objects of a repository; another installation never shares them."""
        name = hashlib.sha256(f"{installation_id} {url.lower()}".encode()).hexdigest()[:32]
        directory = self._root / name
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._evict(keep=directory)
        return GitObjects(directory, url=url, token=token)

    def _evict(self, *, keep: Path) -> None:
        """Removes repositories that nobody has used for an hour, the longest unused first, until the rest fits."""
        if self._clock() - self._evicted_at < EVICTION_PERIOD_S:
            return
        self._evicted_at = self._clock()
        used = sorted((lock.stat().st_mtime, lock.parent) for lock in self._root.glob(f"*/{LOCK}"))
        sizes = {directory: _size_bytes(directory) for _, directory in used}
        total = sum(sizes.values())
        for used_at, directory in used:
            if total <= self._max_bytes or self._clock() - used_at < UNUSED_AFTER_S:
                return
            if directory != keep:
                _log.info("Removed the git objects of a repository that nobody used for an hour")
                shutil.rmtree(directory, ignore_errors=True)
                total -= sizes[directory]


def _size_bytes(directory: Path) -> int:
    return sum(pack.stat().st_size for pack in directory.glob("objects/pack/*.pack"))


@asynccontextmanager
async def _locked(directory: Path) -> AsyncGenerator[None]:
    """One fetch at a time into a repository, over all processes of this machine."""
    file = await asyncio.to_thread(_lock, directory)
    try:
        yield
    finally:
        file.close()


def _lock(directory: Path) -> TextIO:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (directory / LOCK).open("w")  # its time of change says when the repository was last used
    fcntl.flock(file, fcntl.LOCK_EX)
    return file
