"""The one place that knows RE2's untyped bindings: bytes in, linear time on any input.

https://github.com/google/re2/wiki/Syntax
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol, cast

import re2  # pyright: ignore[reportMissingTypeStubs]

MAX_MEMORY_BYTES = 64 << 20


class Match(Protocol):
    """What is used of `re.Match`, on bytes."""

    def start(self) -> int:
        """Offset of the whole match."""
        ...

    def span(self, group: int, /) -> tuple[int, int]:
        """Offsets of a group."""
        ...

    def group(self, group: int, /) -> bytes:
        """Text of a group."""
        ...

    def groups(self) -> tuple[bytes | None, ...]:
        """Texts of all groups."""
        ...


class Pattern(Protocol):
    """What is used of `re.Pattern`, on bytes."""

    def search(self, text: bytes, /) -> Match | None:
        """The first match."""
        ...

    def finditer(self, text: bytes, /) -> Iterator[Match]:
        """All matches that do not overlap."""
        ...


@cache
def compiled(pattern: str) -> Pattern:
    """The pattern, compiled once."""
    compile_pattern = cast("Any", re2).compile
    return cast("Pattern", compile_pattern(pattern.encode(), _options()))


class WordSet:
    """Which of many words stand in a text, in one pass and in any case."""

    def __init__(self, words: list[str]) -> None:
        options = _options()
        options.literal = True
        options.case_sensitive = False
        self._set = cast("Any", re2).Set.SearchSet(options)
        for word in words:
            self._set.Add(word)
        self._set.Compile()

    def find(self, text: bytes) -> list[int]:
        """Indices of the words that occur."""
        return sorted(cast("list[int]", self._set.Match(text) or []))


def _options() -> Any:  # noqa: ANN401 - the bindings have no types
    options = cast("Any", re2).Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY_BYTES
    return options
