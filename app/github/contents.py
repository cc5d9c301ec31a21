"""Contents of the files of a pull request, at its head and at its merge base. Reads only.

A small change takes one query for all of its files and for other files requested at the same time. A large change, later
reads and searches take one shallow git fetch. The base version of a file is the head version with the patch reversed,
which takes no request."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from githubkit.utils import UNSET

from app.domain.diff import FileDiff, FileStatus, Hunk, LineKind, Side
from app.domain.pull_request import EntryKind, PastCommit, TextMatch
from app.errors import GitHubError, GitHubNotFound, GitHubRateLimited, GitHubUnavailable
from app.github import graphql
from app.github.client import RepositoryClient
from app.github.git_objects import GitObjects
from app.github.history import PastCommits

MAX_QUERIED_FILES = 15

_log = logging.getLogger(__name__)


class HeadTree:
    """The tree of a pull request's head. Without `git`, only changed files are readable and there is no search."""

    def __init__(
        self,
        client: RepositoryClient,
        *,
        head_sha: str,
        files: Sequence[FileDiff],
        git: GitObjects | None,
    ) -> None:
        self._client = client
        self._head_sha = head_sha
        self._files = files
        self._git = git
        self._git_is_ready = False
        self._requested: dict[str, None] = {}  # requested before the query
        self._queried: dict[str, bytes | None] | None = None
        self._lock = asyncio.Lock()
        self._past = PastCommits(client, head_sha=head_sha)

    async def blob(self, path: str, side: Side) -> bytes | None:
        """Read a file at the head or at the merge base; None if there is none or it cannot be read."""
        file = self._file(path, side)
        if file is None:
            return await self._head_blob(path)
        if side is Side.RIGHT:
            return None if file.status is FileStatus.REMOVED else await self._head_blob(path)
        if file.status is FileStatus.ADDED:
            return None
        head = b"" if file.status is FileStatus.REMOVED else await self._head_blob(file.path)
        return None if head is None else reverse_patch(head, file)

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        """Find lines of the tree that contain this whole word; empty without git."""
        git = await self._fetched_git()
        if git is None:
            return []
        try:
            return await git.grep(self._head_sha, word, limit=limit)
        except GitHubError as error:
            _log.warning("Cannot search the repository's tree: %s", error)
            return []

    async def entry(self, path: str) -> EntryKind | None:
        """Tell what the path is. Raises `GitHubUnavailable`, also without git."""
        return await (await self._required_git()).entry(self._head_sha, path)

    async def search(self, text: str, *, limit: int) -> list[TextMatch]:
        """Find lines of the tree that contain this text. Raises `GitHubUnavailable`, also without git."""
        return await (await self._required_git()).search(self._head_sha, text, limit=limit)

    async def history(self, path: str, lines: tuple[int, int] | None) -> list[PastCommit] | None:
        """The last commits that touched the file, or that these lines are from; None if GitHub does not say."""
        return await self._past.read(path, lines)

    def _file(self, path: str, side: Side) -> FileDiff | None:
        """Find the changed file with this path on this side."""
        here = [file for file in self._files if file.path == path]
        if side is Side.RIGHT:
            return next(iter(here), None)
        kept = [file for file in here if not file.previous_path and file.status is not FileStatus.ADDED]
        moved = [file for file in self._files if file.previous_path == path]
        return next(iter(kept + moved + here), None)

    async def _head_blob(self, path: str) -> bytes | None:
        known = {} if self._git_is_ready and self._queried is None else await self._query(path)
        if path in known:
            return known[path]
        if git := await self._fetched_git():
            return await git.blob(self._head_sha, path)
        return await self._fetch_raw(path) if self._file(path, Side.RIGHT) else None

    async def _fetched_git(self) -> GitObjects | None:
        async with self._lock:
            if self._git is None or self._git_is_ready:
                return self._git
            try:
                await self._git.fetch(self._head_sha)
                self._git_is_ready = True
            except GitHubError as error:
                _log.warning("Continuing without the repository's tree: %s", error)
                self._git = None
            return self._git

    async def _required_git(self) -> GitObjects:
        git = await self._fetched_git()
        if git is None:
            raise GitHubUnavailable("The repository could not be fetched with git.")
        return git

    async def _query(self, path: str) -> dict[str, bytes | None]:
        """Query all files of a small change at once, and other files requested at the same time.

        Maps a path to None if there is no such file; has no entry for files that the query does not return in full.
        """
        self._requested[path] = None
        await asyncio.sleep(0)  # concurrent requests are recorded before the first one continues
        async with self._lock:
            if self._queried is None:
                changed = [
                    file.path
                    for file in self._files
                    if file.status is not FileStatus.REMOVED and not file.binary and not file.submodule
                ]
                others = [path for path in self._requested if self._file(path, Side.RIGHT) is None]
                small = 0 < len(changed) <= MAX_QUERIED_FILES
                self._queried = await self._fetch_blobs(changed, others[:MAX_QUERIED_FILES]) if small else {}
            return self._queried

    async def _fetch_blobs(self, changed: Sequence[str], others: Sequence[str]) -> dict[str, bytes | None]:
        paths = [*changed, *others]
        variables: dict[str, Any] = {"owner": self._client.owner, "name": self._client.repo}
        variables |= {f"e{index}": f"{self._head_sha}:{path}" for index, path in enumerate(paths)}
        try:
            data = await self._client.graphql(
                graphql.blobs(len(paths)), variables, to="read the changed files"
            )
        except GitHubRateLimited:
            raise
        except GitHubError as error:
            _log.warning("Reading the changed files one by one: %s", error)
            return {}
        nodes = {path: data["repository"][f"e{index}"] for index, path in enumerate(paths)}
        contents = {
            path: content for path, node in nodes.items() if (content := parse_blob(node)) is not None
        }
        return contents | {path: None for path in others if nodes[path] is None}

    async def _fetch_raw(self, path: str) -> bytes | None:
        return await fetch_file(self._client, path, commit=self._head_sha)


def parse_blob(blob: dict[str, Any] | None) -> bytes | None:
    """Parse GraphQL's `Blob`; None if it is not a file, binary or truncated."""
    if not blob or blob.get("text") is None or blob["isTruncated"] or blob["isBinary"]:
        return None
    return str(blob["text"]).encode("utf-8", "surrogatepass")


async def fetch_file(client: RepositoryClient, path: str, *, commit: str | None = None) -> bytes | None:
    """Fetch a file with the contents API, at a commit or on the default branch; None if it does not exist.

    https://docs.github.com/en/rest/repos/contents#get-repository-content
    """
    request = client.rest.repos.async_get_content(
        client.owner,
        client.repo,
        quote(path.encode("utf-8", "surrogateescape")),
        headers={"Accept": "application/vnd.github.raw+json"},
        ref=commit or UNSET,
    )
    try:
        return (await client.send(request, to=f"read a file of {client.repository}")).content
    except GitHubNotFound:
        return None


def reverse_patch(head: bytes, file: FileDiff) -> bytes | None:
    """Compute the file at the merge base from its content at the head; None if there was none or the patch does not fit.

    GitHub's patches lack information about the newline at the end: assume that both sides agree.
    """
    if file.status is FileStatus.ADDED or file.binary or file.error:
        return None
    lines = head.split(b"\n")
    for hunk in reversed(file.hunks):
        start = hunk.new_start - 1 if hunk.new_count else hunk.new_start
        stop = start + hunk.new_count
        if lines[start:stop] != _texts(hunk, without=LineKind.REMOVED):
            return None
        lines[start:stop] = _texts(hunk, without=LineKind.ADDED)
    return b"\n".join(lines)


def _texts(hunk: Hunk, *, without: LineKind) -> list[bytes]:
    return [line.text.encode("utf-8", "surrogateescape") for line in hunk.lines if line.kind is not without]
