"""Searches a tree, the index or a work tree for a word with `git grep`. Runs nothing of the repository."""

import os

from app.domain.source import Match
from app.github.git_process import Git

MAX_SEARCH_BYTES = 4 * 1024 * 1024
_FLAGS = ("--no-color", "--no-textconv", "--fixed-strings", "--word-regexp", "-I", "--line-number", "--null")


async def grep_tree(
    git: Git, word: str, *, limit: int, tree: str | None, cached: bool = False
) -> list[Match]:
    """Lines with the whole word, in the order of paths; `tree` is a commit, None the work tree or the index.

    Raises `GitFailed`.
    """
    if not word.strip() or "\n" in word or "\0" in word:
        return []
    flags = (*_FLAGS, "--cached") if cached else _FLAGS
    trees = (tree,) if tree else ()
    output = await git.read_some(
        "grep", *flags, "-e", word, *trees, max_bytes=MAX_SEARCH_BYTES, allowed=(0, 1)
    )
    prefix = f"{tree}:" if tree else ""
    matches = (_parse(line, prefix) for line in output.split(b"\n")[:limit])
    return [match for match in matches if match]


def _parse(line: bytes, prefix: str) -> Match | None:
    """`commit:path NUL number NUL text`; None for a line that was cut off."""
    parts = line.split(b"\0", 2)
    if len(parts) < 3 or not parts[1].isdigit():
        return None
    path = os.fsdecode(parts[0]).removeprefix(prefix)
    return Match(path=path, line=int(parts[1]), text=parts[2].decode("utf-8", "replace"))
