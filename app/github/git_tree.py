"""What look-ups read of a commit, or of the index, besides blobs: kinds of entries, literal text, history. Reads local objects only."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from app.domain.pull_request import EntryKind, PastCommit, TextMatch
from app.errors import GitFailed
from app.github.git_process import Git
from app.github.git_reads import parse_match

LOOKUP_TIMEOUT_S = 10.0
MAX_LISTING_BYTES = 64 * 1024
MAX_FOUND_BYTES = 1024 * 1024
MAX_COMMITS = 5
MAX_SUBJECT_CHARACTERS = 200

_KINDS = {
    "100644": EntryKind.FILE,
    "100755": EntryKind.FILE,
    "040000": EntryKind.FOLDER,
    "120000": EntryKind.LINK,
    "160000": EntryKind.SUBMODULE,
}
_ENTRY = re.compile(rb"(?P<mode>[0-7]{6}) [^\t]*\t(?P<path>.*)", re.DOTALL)


async def entry_kind(git: Git, path: str, *, commit: str | None) -> EntryKind | None:
    """Tell what a path is in the commit, or in the index; a path below a link or a submodule is one. None: not there.

    Raises `GitFailed`.
    """
    above = [str(each) for each in PurePosixPath(path).parents if each.name]
    listing = ("ls-tree", "-z", commit) if commit else ("ls-files", "--stage", "-z")
    output = await _quick(git).read_some(*listing, "--", path, *above, max_bytes=MAX_LISTING_BYTES)
    kinds = dict(_entries(output))
    for each in above:
        if kinds.get(each) in (EntryKind.LINK, EntryKind.SUBMODULE):
            return kinds[each]
    below = any(each.startswith(f"{path}/") for each in kinds)
    return kinds.get(path) or (EntryKind.FOLDER if below else None)


def _entries(output: bytes) -> Iterator[tuple[str, EntryKind]]:
    for row in output.split(b"\0"):
        if (match := _ENTRY.fullmatch(row)) and (kind := _KINDS.get(match["mode"].decode())):
            yield match["path"].decode("utf-8", "surrogateescape"), kind


async def find_text(
    git: Git, text: str, *, commit: str | None, cached: bool = False, limit: int
) -> list[TextMatch]:
    """Find lines that contain the text, literally. Without a commit, search the work tree or the index. Raises `GitFailed`."""
    if not text.strip() or {"\n", "\0"} & {*text}:
        return []
    flags = ["--no-color", "--no-textconv", "--fixed-strings", "-I", "--line-number", "--null"]
    flags += ["--cached"] if cached else []
    output = await _quick(git).read_some(
        "grep", *flags, "-e", text, *([commit] if commit else []), max_bytes=MAX_FOUND_BYTES, allowed=(0, 1)
    )
    prefix = f"{commit}:" if commit else ""
    found = (match for row in output.split(b"\n") if (match := parse_match(row, prefix)))
    return [match for match, _ in zip(found, range(limit), strict=False)]


async def past_commits(
    git: Git, path: str, lines: tuple[int, int] | None, *, commit: str
) -> list[PastCommit]:
    """The last commits that touched these lines, or the file; empty if there are none. Raises `GitFailed`."""
    log = ("log", "--no-patch", "--no-show-signature", f"-n{MAX_COMMITS}", "--format=%cs%x09%s")
    if lines:
        try:
            return _commits(await _quick(git).run(*log, f"-L{lines[0]},{lines[1]}:{path}", commit))
        except GitFailed:  # the file has fewer lines
            pass
    return _commits(await _quick(git).run(*log, commit, "--", path))


def _commits(output: bytes) -> list[PastCommit]:
    rows = (row.partition("\t") for row in output.decode("utf-8", "replace").split("\n"))
    return [
        PastCommit(date=date, subject=subject[:MAX_SUBJECT_CHARACTERS]) for date, tab, subject in rows if tab
    ]


def _quick(git: Git) -> Git:
    return replace(git, timeout_s=LOOKUP_TIMEOUT_S)
