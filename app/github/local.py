"""Local sources for `quorum review`: a range of a repository, or a patch.

The checkout is not trusted: git runs hardened (`git_process`), and the configuration comes from the base commit. Reads
only; needs neither network nor githubkit.
"""

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.domain.diff import Diff, Side
from app.domain.patch import parse_diff
from app.domain.pull_request import EntryKind, PastCommit, Snapshot, TextMatch
from app.errors import GitFailed, InputError
from app.github.addresses import parse_pull_request_url
from app.github.git_isolation import isolate, temporary_directory
from app.github.git_process import DIFF_FLAGS, Git
from app.github.git_reads import MAX_BLOB_BYTES, Batcher, Search, grep_tree, read_blobs
from app.github.git_tree import entry_kind, find_text, past_commits

__all__ = [
    "STAGED",
    "WORKING_TREE",
    "GitRangeSource",
    "PatchSource",
    "open_repository",
    "parse_pull_request_url",
]

STAGED = "--staged"  # names of commits cannot start with a dash
WORKING_TREE = "--working-tree"
MAX_DIFF_BYTES = 256 * 1024 * 1024

_UNMERGED = re.compile(rb"^\* Unmerged path ", re.MULTILINE)  # instead of a file's changes
_RANGE = re.compile(r"(?P<base>.*?)(?P<dots>\.\.\.?)(?P<head>.*)", re.DOTALL)


class PatchSource:
    """A patch without a repository, so without other files. Raises `InputError` if it is not a patch."""

    def __init__(self, data: bytes) -> None:
        self._diff = read_patch(data)

    async def snapshot(self, base_paths: Sequence[str]) -> Snapshot:
        """Return the change only."""
        return Snapshot(pull_request=None, diff=self._diff, base_files={})

    async def blob(self, path: str, side: Side) -> bytes | None:
        """Return None: a patch has no files."""
        return None

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        """Return nothing: a patch has no tree."""
        return []

    def tree(self) -> None:
        """Return None: a patch has no tree."""


def read_patch(data: bytes) -> Diff:
    """Parse a person's diff; raises `InputError` if it is not one."""
    try:
        return parse_diff(data)
    except ValueError as error:
        raise InputError(str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """`base` and `head` are object ids; `head` is None for the index or work tree. `trusted` is the commit that
    configuration comes from.
    """

    base: str
    head: str | None
    trusted: str


class GitRangeSource:
    """`A...B` (from their merge base), `A..B`, one commit, `STAGED` or `WORKING_TREE` of a local repository.

    `index_file` is the index of a running `git commit` (GIT_INDEX_FILE in a hook).
    All methods raise `InputError` with a sentence that says what to do.
    """

    def __init__(self, directory: Path, target: str, *, index_file: Path | None = None) -> None:
        self._target = target
        self._top, self._names = open_repository(directory, index_file)
        self._git = self._names
        self._blobs = Batcher(self._read_blobs)
        self._searches = Batcher(self._search)
        self._range: _Range | None = None
        self._diff = Diff(files=())

    async def snapshot(self, base_paths: Sequence[str]) -> Snapshot:
        """Read the change, and those of `base_paths` that exist at the base commit."""
        self._git = await isolate(
            self._names,
            directory=temporary_directory(self),
            work_tree=self._top if self._target == WORKING_TREE else None,
        )
        self._range = await self._resolve()
        self._diff = parse_diff(await self._read_diff(self._range))
        contents = await asyncio.gather(
            *(self._object(f"{self._range.trusted}:{path}") for path in base_paths)
        )
        return Snapshot(
            pull_request=None,
            diff=self._diff,
            base_files={
                path: content
                for path, content in zip(base_paths, contents, strict=True)
                if content is not None
            },
            notes=await self._untracked(),
        )

    async def blob(self, path: str, side: Side) -> bytes | None:
        """Read a file at the head (RIGHT) or at the base (LEFT)."""
        commits = self._commits()
        if side is Side.LEFT:
            return await self._base_blob(commits.base, path)
        if commits.head:
            return await self._object(f"{commits.head}:{path}")
        if self._target == STAGED:
            return await self._object(f":0:{path}")
        return await asyncio.to_thread(_read_inside, self._top, path)

    @property
    def head(self) -> str | None:
        """The head's commit; None for the index or the work tree."""
        return self._commits().head

    async def list_folder(self, folder: str) -> list[tuple[bytes, bytes]]:
        """Return mode and path of each entry in a folder of the head (`""` or `a/b/`)."""
        try:
            rows = await self._git.run(
                "ls-tree", "-z", "--full-tree", self._commits().head or "", "--", folder or "."
            )
        except GitFailed as error:
            raise InputError(f"git cannot list a folder of the head: {error}.") from error
        fields = (row.partition(b"\t") for row in rows.split(b"\0")[:-1])
        return [(about.partition(b" ")[0], path) for about, _, path in fields]

    async def grep(self, word: str, *, limit: int) -> list[TextMatch]:
        """Find lines of the head's tree, the index or the work tree that contain this whole word."""
        try:
            return await self._searches.load(Search(word, limit)) or []
        except GitFailed as error:
            raise InputError(f"git cannot search this repository: {error}.") from error

    def tree(self) -> "GitRangeSource":
        """Return itself: it has all code at the head."""
        return self

    async def entry(self, path: str) -> EntryKind | None:
        """Tell what the path is at the head, or in the index."""
        try:
            return await entry_kind(self._git, path, commit=self._commits().head)
        except GitFailed as error:
            raise InputError(f"git cannot read this repository: {error}.") from error

    async def search(self, text: str, *, limit: int) -> list[TextMatch]:
        """Find lines of the head's tree, the index or the work tree that contain this text."""
        head, cached = self._commits().head, self._target == STAGED
        try:
            return await find_text(self._git, text, commit=head, cached=cached, limit=limit)
        except GitFailed as error:
            raise InputError(f"git cannot search this repository: {error}.") from error

    async def history(self, path: str, lines: tuple[int, int] | None) -> list[PastCommit] | None:
        """The last commits that touched these lines of the head, or this file of the index or the work tree."""
        commits = self._commits()
        try:
            return await past_commits(
                self._git, path, lines if commits.head else None, commit=commits.head or commits.base
            )
        except GitFailed:
            return None  # a shallow clone, or no commit yet

    async def _read_blobs(self, names: Sequence[str]) -> Mapping[str, bytes]:
        return await read_blobs(self._git, names)

    async def _search(self, searches: Sequence[Search]) -> Mapping[Search, list[TextMatch]]:
        return await grep_tree(self._git, searches, tree=self._commits().head, cached=self._target == STAGED)

    def _commits(self) -> _Range:
        assert self._range is not None, "snapshot() comes first"
        return self._range

    async def _resolve(self) -> _Range:
        if self._target in (STAGED, WORKING_TREE):
            base = await self._commit("HEAD", default="") or await self._empty_tree()
            return _Range(base=base, head=None, trusted=base)
        if not (named := _RANGE.fullmatch(self._target)):
            head = await self._commit(self._target)
            base = await self._commit(f"{head}^", default="") or await self._empty_tree()
            return _Range(base=base, head=head, trusted=base)
        if not (named["base"] or named["head"]):
            raise InputError(f"{self._target!r} names no commit. Specify a range such as main...HEAD.")
        tip, head = await self._commit(named["base"] or "HEAD"), await self._commit(named["head"] or "HEAD")
        base = await self._merge_base(tip, head) if named["dots"] == "..." else tip
        return _Range(base=base, head=head, trusted=tip)

    async def _commit(self, name: str, *, default: str | None = None) -> str:
        try:
            return await self._line(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
            )
        except GitFailed as error:
            if default is not None:
                return default
            raise InputError(
                f"{name!r} is not a commit in this repository. Specify a range such as main...HEAD, or fetch it first."
            ) from error

    async def _merge_base(self, base: str, head: str) -> str:
        try:
            return await self._line("merge-base", base, head)
        except GitFailed as error:
            raise InputError(
                f"The two sides of {self._target} have no common commit here. Fetch more history "
                "(git fetch --unshallow), or compare them with two dots."
            ) from error

    async def _empty_tree(self) -> str:
        return await self._line("hash-object", "-t", "tree", os.devnull)

    async def _line(self, *arguments: str) -> str:
        """Ask about names of commits and their ancestors: the only questions that the repository's own git directory answers."""
        return (await self._names.run(*arguments)).decode("ascii", "replace").strip()

    async def _read_diff(self, commits: _Range) -> bytes:
        sides = (commits.base, commits.head) if commits.head else (commits.base,)
        cached = ("--cached",) if self._target == STAGED else ()
        try:
            diff = await self._git.run("diff", *DIFF_FLAGS, *cached, *sides, "--", max_bytes=MAX_DIFF_BYTES)
        except GitFailed as error:
            raise InputError(f"git cannot compare {self._target}: {error}.") from error
        if _UNMERGED.search(diff):
            raise InputError(
                "Some files have merge conflicts. Resolve them, stage the result, and try again."
            )
        return diff

    async def _base_blob(self, base: str, path: str) -> bytes | None:
        """Read this file at the base, or the file that the change renamed to it."""
        if (content := await self._object(f"{base}:{path}")) is not None:
            return content
        file = self._diff.file(path)
        return await self._object(f"{base}:{file.previous_path}") if file and file.previous_path else None

    async def _object(self, name: str) -> bytes | None:
        try:
            return await self._blobs.load(name)
        except GitFailed:
            return None  # the repository is unreadable; reading its diff reports that

    async def _untracked(self) -> tuple[str, ...]:
        if self._target != WORKING_TREE:
            return ()
        names = await self._git.run("ls-files", "--others", "--exclude-standard", "-z")
        count = names.count(b"\0")
        return (f"Not reviewed: untracked files ({count}). Use git add to include them.",) if count else ()


def open_repository(directory: Path, index_file: Path | None = None) -> tuple[Path, Git]:
    """Find the repository around `directory`, without git, because its `core.worktree` could point anywhere."""
    start = directory.resolve()
    for top in (start, *start.parents):
        if (top / ".git").exists():
            environment = {"GIT_DIR": str(top / ".git"), "GIT_WORK_TREE": str(top)}
            if index_file:
                environment["GIT_INDEX_FILE"] = str(index_file)
            return top, Git(directory=top, environment=environment)
    if (start / "HEAD").is_file() and (start / "objects").is_dir():
        return start, Git(directory=start, environment={"GIT_DIR": str(start)})
    raise InputError(f"{directory} is not in a git repository. Specify one with --repo DIR.")


def _read_inside(top: Path, path: str) -> bytes | None:
    """Read a regular file of the work tree, never through a symbolic link."""
    file, inside = top / path, top.resolve()
    if file.resolve() != inside / path or not file.resolve().is_relative_to(inside) or not file.is_file():
        return None
    return file.read_bytes() if file.stat().st_size <= MAX_BLOB_BYTES else None
