"""Globs as in .gitignore, from people we do not know: matched in linear time. Never reads the file system."""

from collections.abc import Iterable

from pathspec import GitIgnoreSpec

BACKEND = "re2"  # the pure-Python backend needs minutes for `*a*a*a*a*a*z`


class Globs:
    """A list of patterns, the last that matches counts; `wrong` holds those that are no patterns."""

    def __init__(self, patterns: Iterable[str]) -> None:
        kept: list[str] = []
        wrong: list[str] = []
        for pattern in patterns:
            (kept if _is_pattern(pattern) else wrong).append(pattern)
        self.wrong = tuple(wrong)
        self._spec = GitIgnoreSpec.from_lines(kept, backend=BACKEND)

    def matches(self, path: str) -> bool:
        """Whether the path, relative to the repository, is meant."""
        return self._spec.match_file(path.encode("utf-8", "replace").decode())


def _is_pattern(text: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([text], backend=BACKEND)
    except ValueError:
        return False
    return True
