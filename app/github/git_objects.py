"""Commits of GitHub repositories in a local cache: fetched shallow and bare, never checked out.

Each repository of each installation has its own directory. Used where the API is slow or incomplete: many files,
searches of the tree, patches that GitHub withholds. git gets the token for one command; it is never written to disk.
"""

import asyncio
import base64
import fcntl
import hashlib
import logging
import math
import shutil
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol, TextIO
from urllib.parse import urlsplit

from app.domain.pull_request import EntryKind, TextMatch
from app.errors import GitFailed, GitHubUnavailable
from app.github.git_process import DIFF_FLAGS, Git
from app.github.git_reads import Batcher, Search, grep_tree, read_blobs
from app.github.git_tree import entry_kind, find_text

BLOB_LIMIT = "blob:limit=200k"  # larger files are not fetched
MAX_DIFF_BYTES = 64 * 1024 * 1024
MAX_FILE_BLOCKS = 2 * 1024 * 1024  # of 512 bytes: packs up to 1 GiB
MAX_CACHE_BYTES = 5 * 1024 * 1024 * 1024
UNUSED_AFTER_S = 3_600.0
EVICTION_PERIOD_S = 600.0
FETCH_TIMEOUT_S = 120.0
LOCK = "quorum.lock"

_log = logging.getLogger(__name__)


class TokenSource(Protocol):
    """Provides git's token, such as a `RepositoryClient`."""

    async def token(self) -> str:
        """Return the token; empty for none."""
        ...


class GitObjects:
    """The fetched commits of one repository."""

    def __init__(
        self,
        directory: Path,
        *,
        url: str,
        credential: TokenSource,
        protocols: Sequence[str] = ("https", "http"),
    ) -> None:
        self._directory = directory
        self._url = url
        self._credential = credential
        self._protocols = protocols
        self._git = Git(directory=directory)
        self._blobs = Batcher(partial(read_blobs, self._git))
        self._searches = Batcher(self._search)
        self._lock = asyncio.Lock()

    async def fetch(self, *commits: str) -> None:
        """Fetch missing commits at depth 1.

        Raises `GitHubUnavailable`, also if the repository exceeds the limits.
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
        """Return a git with network access. The remote is configured for one command only; otherwise, git would fetch
        each missing blob on its own.
        """
        parts = urlsplit(self._url)
        remote = {
            "remote.origin.url": self._url,
            "remote.origin.promisor": "true",
            "remote.origin.partialCloneFilter": BLOB_LIMIT,
            "http.followRedirects": "false",
            "http.lowSpeedLimit": "1000",
            "http.lowSpeedTime": "30",
        }
        if token := await self._credential.token():
            basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
            remote[f"http.{parts.scheme}://{parts.netloc}/.extraHeader"] = f"Authorization: Basic {basic}"
        return Git(
            directory=self._directory,
            config=remote,
            environment={"GIT_NO_LAZY_FETCH": "0", "GIT_ALLOW_PROTOCOL": ":".join(self._protocols)},
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
        """Read a file of a fetched commit; None if there is none or it is too large."""
        try:
            return await self._blobs.load(f"{commit}:{path}")
        except GitFailed as error:
            _log.debug("No content of %s: %s", path, error)
            return None

    async def grep(self, commit: str, word: str, *, limit: int) -> list[TextMatch]:
        """Find lines of a fetched commit that contain the word, at most `limit`. Raises `GitHubUnavailable`."""
        try:
            return await self._searches.load((commit, Search(word, limit))) or []
        except GitFailed as error:
            raise GitHubUnavailable(f"git grep failed: {error}") from error

    async def entry(self, commit: str, path: str) -> EntryKind | None:
        """Tell what the path is in a fetched commit. Raises `GitHubUnavailable`."""
        try:
            return await entry_kind(self._git, path, commit=commit)
        except GitFailed as error:
            raise GitHubUnavailable(f"git ls-tree failed: {error}") from error

    async def search(self, commit: str, text: str, *, limit: int) -> list[TextMatch]:
        """Find lines of a fetched commit that contain the text. Raises `GitHubUnavailable`."""
        try:
            return await find_text(self._git, text, commit=commit, limit=limit)
        except GitFailed as error:
            raise GitHubUnavailable(f"git grep failed: {error}") from error

    async def _search(self, batch: Sequence[tuple[str, Search]]) -> dict[tuple[str, Search], list[TextMatch]]:
        commits = dict.fromkeys(commit for commit, _ in batch)
        return {
            (commit, search): matches
            for commit in commits
            for search, matches in (
                await grep_tree(self._git, [search for at, search in batch if at == commit], tree=commit)
            ).items()
        }

    async def diff(self, base: str, head: str, paths: Sequence[str] = ()) -> bytes:
        """Diff two fetched commits, for all files or for `paths`; fetches large files.

        Raises `GitHubUnavailable`.
        """
        try:
            git = await self._online()
            return await git.run("diff", *DIFF_FLAGS, base, head, "--", *paths, max_bytes=MAX_DIFF_BYTES)
        except GitFailed as error:
            raise GitHubUnavailable(f"git diff failed: {error}") from error


class GitCache:
    """The cache directory of all repositories; evicts the least recently used ones."""

    def __init__(
        self, root: Path, *, max_bytes: int = MAX_CACHE_BYTES, clock: Callable[[], float] = time.time
    ) -> None:
        self._root = root
        self._clock = clock
        self._max_bytes = max_bytes
        self._evicted_at = -math.inf

    def repository(self, url: str, *, installation_id: int | None, credential: TokenSource) -> GitObjects:
        """Open the objects of a repository; installations never share them."""
        name = hashlib.sha256(f"{installation_id} {url.lower()}".encode()).hexdigest()[:32]
        directory = self._root / name
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._evict(keep=directory)
        return GitObjects(directory, url=url, credential=credential)

    def _evict(self, *, keep: Path) -> None:
        """Remove repositories that were not used for an hour, oldest first, until the rest fits."""
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
                _log.info("Removed the cached git objects of a repository that was not used for an hour")
                shutil.rmtree(directory, ignore_errors=True)
                total -= sizes[directory]


def _size_bytes(directory: Path) -> int:
    return sum(pack.stat().st_size for pack in directory.glob("objects/pack/*.pack"))


@asynccontextmanager
async def _locked(directory: Path) -> AsyncGenerator[None]:
    """Allow one fetch at a time per repository, across all processes of this machine."""
    file = await asyncio.to_thread(_lock, directory)
    try:
        yield
    finally:
        file.close()


def _lock(directory: Path) -> TextIO:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (directory / LOCK).open("w")  # its modification time is the repository's last use
    fcntl.flock(file, fcntl.LOCK_EX)
    return file
