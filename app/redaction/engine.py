"""The only module that uses RE2's untyped bindings: bytes in, linear time on any input.

https://github.com/google/re2/wiki/Syntax
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol, cast

import re2  # pyright: ignore[reportMissingTypeStubs]

MAX_MEMORY_BYTES = 64 << 20
RegexError = cast("type[Exception]", cast("Any", re2).error)
"""What RE2 raises for a pattern that it does not accept."""


class RegexMatch(Protocol):
    """The part of `re.Match` that is used here, on bytes."""

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


class RegexPattern(Protocol):
    """The part of `re.Pattern` that is used here, on bytes."""

    def search(self, text: bytes, /) -> RegexMatch | None:
        """The first match."""
        ...

    def finditer(self, text: bytes, /) -> Iterator[RegexMatch]:
        """All matches that do not overlap."""
        ...


@cache
def compiled(pattern: str) -> RegexPattern:
    """The pattern, compiled once."""
    compile_pattern = cast("Any", re2).compile
    return cast("RegexPattern", compile_pattern(pattern.encode(), _options()))


class WordSet:
    """Finds which of many words occur in a text, in one pass, ignoring case."""

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


class RegexSet:
    """Finds which of many patterns match a text as a whole, in one pass. Leaves out patterns that RE2 does not accept.

    Raises:
        RegexError: all patterns together are too large.
    """

    def __init__(self, patterns: list[str]) -> None:
        self._set = cast("Any", re2).Set.FullMatchSet(_options())
        self._numbers = [number for number, pattern in enumerate(patterns) if self._add(pattern)]
        self._set.Compile()

    def last_match(self, text: str) -> int | None:
        """Number of the last pattern that matches."""
        found = cast("list[int]", self._set.Match(text.encode("utf-8", "replace")) or [])
        return self._numbers[max(found)] if found else None

    def _add(self, pattern: str) -> bool:
        try:
            self._set.Add(pattern.encode("utf-8", "replace"))
        except RegexError:
            return False
        return True


def _options() -> Any:  # noqa: ANN401 - the bindings have no types
    options = cast("Any", re2).Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY_BYTES
    return options
