"""Searches a tree, the index or a work tree for words with `git grep`. Runs nothing of the repository."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from app.domain.pull_request import TextMatch
from app.github.git_process import Git

MAX_SEARCH_BYTES = 4 * 1024 * 1024
_FLAGS = ("--no-color", "--no-textconv", "--fixed-strings", "--word-regexp", "-I", "--line-number", "--null")


@dataclass(frozen=True, slots=True)
class Search:
    """A whole word, and how many lines with it are wanted at most."""

    word: str
    limit: int


async def grep_tree(
    git: Git, searches: Sequence[Search], *, tree: str | None, cached: bool = False
) -> Mapping[Search, list[TextMatch]]:
    """Lines with each word, in the order of paths; `tree` is a commit, None the work tree or the index.

    One process for all words, unless together they are in more than `MAX_SEARCH_BYTES` of lines: then one for each.
    Raises `GitFailed`.
    """
    wanted = [each for each in searches if each.word.strip() and not {"\n", "\0"} & {*each.word}]
    flags = (*_FLAGS, "--cached") if cached else _FLAGS
    output = await _lines_with(git, [each.word for each in wanted], flags, tree)
    if len(output) == MAX_SEARCH_BYTES and len(wanted) > 1:
        alone = [await grep_tree(git, [each], tree=tree, cached=cached) for each in wanted]
        return {search: matches for one in alone for search, matches in one.items()}
    found = [match for line in output.split(b"\n") if (match := _parse(line, f"{tree}:" if tree else ""))]
    return {each: list(islice(filter(_holds(each.word), found), each.limit)) for each in wanted}


async def _lines_with(git: Git, words: Sequence[str], flags: Sequence[str], tree: str | None) -> bytes:
    if not words:
        return b""
    patterns = [argument for word in words for argument in ("-e", word)]
    trees = (tree,) if tree else ()
    return await git.read_some("grep", *flags, *patterns, *trees, max_bytes=MAX_SEARCH_BYTES, allowed=(0, 1))


def _holds(word: str) -> Callable[[TextMatch], bool]:
    """What --word-regexp means by a whole word."""
    whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.ASCII)
    return lambda match: whole.search(match.text) is not None


def _parse(line: bytes, prefix: str) -> TextMatch | None:
    """`commit:path NUL number NUL text`; None for a line that was cut off."""
    parts = line.split(b"\0", 2)
    if len(parts) < 3 or not parts[1].isdigit():
        return None
    path = os.fsdecode(parts[0]).removeprefix(prefix)
    return TextMatch(path=path, line=int(parts[1]), text=parts[2].decode("utf-8", "replace"))
