"""Contents of the files round a pull request, at its head and at its merge base. Reads only.

A small change costs one query for all its files and what else is asked for at the same time; a large one, later
questions and searches one shallow git fetch. The base's version of a file is the head's with the patch taken back, so that
it costs nothing.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from githubkit.utils import UNSET

from app.domain.diff import FileDiff, FileStatus, Side
from app.domain.pull_request import TextMatch
from app.errors import GitHubError, GitHubNotFound, GitHubRateLimited
from app.github import documents
from app.github.client import RepositoryClient
from app.github.git_objects import GitObjects
from app.github.reversal import take_back

MAX_QUERIED_FILES = 15

_log = logging.getLogger(__name__)


class HeadTree:
    """The tree of a pull request's head. `git` is None where no fetch is wanted: changed files only, and no search."""

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
        self._asked: dict[str, None] = {}  # other files than the changed ones, until the query
        self._queried: dict[str, bytes | None] | None = None
        self._lock = asyncio.Lock()

    async def blob(self, path: str, side: Side) -> bytes | None:
        """A file at the head or at the merge base; None where there is none, or none that can be had."""
        file = self._file(path, side)
        if file is None:
            return await self._head_blob(path)
        if side is Side.RIGHT:
            return None if file.status is FileStatus.REMOVED else await self._head_blob(path)
        if file.status is FileStatus.ADDED:
            return None
        head = b"" if file.status is FileStatus.REMOVED else await self._head_blob(file.path)
        return None if head is None else take_back(head, file)

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        """Lines of the tree with this whole word; empty without git."""
        git = await self._fetched_git()
        if git is None:
            return []
        try:
            return await git.grep(self._head_sha, word, limit=limit)
        except GitHubError as error:
            _log.warning("No search for a word: %s", error)
            return []

    def _file(self, path: str, side: Side) -> FileDiff | None:
        """The changed file that has this path on this side."""
        here = [file for file in self._files if file.path == path]
        if side is Side.RIGHT:
            return next(iter(here), None)
        kept = [file for file in here if not file.previous_path and file.status is not FileStatus.ADDED]
        moved = [file for file in self._files if file.previous_path == path]
        return next(iter(kept + moved + here), None)

    async def _head_blob(self, path: str) -> bytes | None:
        told = {} if self._git_is_ready and self._queried is None else await self._query(path)
        if path in told:
            return told[path]
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
                _log.warning("Going on without the repository's tree: %s", error)
                self._git = None
            return self._git

    async def _query(self, path: str) -> dict[str, bytes | None]:
        """What one query tells in full of the changed files of a small change, and of others that were asked for with them.

        None: there is no such file.
        """
        self._asked[path] = None
        await asyncio.sleep(0)  # whoever asks at the same time has said so when the first one goes on
        async with self._lock:
            if self._queried is None:
                changed = [
                    file.path
                    for file in self._files
                    if file.status is not FileStatus.REMOVED and not file.binary and not file.submodule
                ]
                others = [path for path in self._asked if self._file(path, Side.RIGHT) is None]
                small = 0 < len(changed) <= MAX_QUERIED_FILES
                self._queried = await self._fetch_blobs(changed, others[:MAX_QUERIED_FILES]) if small else {}
            return self._queried

    async def _fetch_blobs(self, changed: Sequence[str], others: Sequence[str]) -> dict[str, bytes | None]:
        paths = [*changed, *others]
        variables: dict[str, Any] = {"owner": self._client.owner, "name": self._client.repo}
        variables |= {f"e{index}": f"{self._head_sha}:{path}" for index, path in enumerate(paths)}
        try:
            data = await self._client.graphql(
                documents.blobs(len(paths)), variables, to="read the changed files"
            )
        except GitHubRateLimited:
            raise
        except GitHubError as error:
            _log.warning("Reading the changed files one by one: %s", error)
            return {}
        nodes = {path: data["repository"][f"e{index}"] for index, path in enumerate(paths)}
        told = {path: content for path, node in nodes.items() if (content := parse_blob(node)) is not None}
        return told | {path: None for path in others if nodes[path] is None}

    async def _fetch_raw(self, path: str) -> bytes | None:
        return await fetch_file(self._client, path, commit=self._head_sha)


def parse_blob(blob: dict[str, Any] | None) -> bytes | None:
    """GraphQL's `Blob`; None where it is no file, binary, or told in part only."""
    if not blob or blob.get("text") is None or blob["isTruncated"] or blob["isBinary"]:
        return None
    return str(blob["text"]).encode("utf-8", "surrogatepass")


async def fetch_file(client: RepositoryClient, path: str, *, commit: str | None = None) -> bytes | None:
    """A file of a repository by the contents API, at a commit or on the default branch; None where there is none.

    https://docs.github.com/en/rest/repos/contents#get-repository-content
    """
    asked = client.rest.repos.async_get_content(
        client.owner,
        client.repo,
        quote(path.encode("utf-8", "surrogateescape")),
        headers={"Accept": "application/vnd.github.raw+json"},
        ref=commit or UNSET,
    )
    try:
        return (await client.send(asked, to=f"read a file of {client.repository}")).content
    except GitHubNotFound:
        return None
