"""Who owns a path, as `CODEOWNERS` at the base ref says. Pure, and linear in foreign text.

https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
"""

import re
from collections.abc import Mapping

from app.redaction.engine import RegexError, RegexSet

CODE_OWNERS_PATHS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")  # GitHub uses the first
MAX_RULES = 5_000
MAX_PATTERN = 1_000  # characters
MAX_OWNER = 100  # characters; the longest login has 39, and a team's name comes after its organization's
_WORD = re.compile(r"(?:\\.|[^\s\\])+")
_PIECE = re.compile(r"/\*\*/|\*\*|\*|\?|\\?(.)", re.DOTALL)
_REGEXES = {"/**/": "/(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class CodeOwners:
    """The rules of a repository; the last one that matches a path names its owners."""

    def __init__(self, base_files: Mapping[str, bytes]) -> None:
        raw = next((base_files[path] for path in CODE_OWNERS_PATHS if path in base_files), b"")
        lines = (_parse_line(line) for line in raw.decode("utf-8-sig", "replace").split("\n"))
        rules = [rule for rule in lines if rule is not None][-MAX_RULES:]
        self._owners = [owners for _, owners in rules]
        try:
            self._patterns = RegexSet([_regex(pattern) for pattern, _ in rules])
        except RegexError:
            self._patterns = RegexSet([])

    def owners_of(self, path: str) -> tuple[str, ...]:
        """Return the owners; empty if no rule matches, or the last one that matches names nobody."""
        number = self._patterns.last_match(path)
        return () if number is None else self._owners[number]


def _parse_line(line: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the pattern and the owners; None for comments, and for what GitHub skips: negation and invalid owners."""
    pattern, *rest = _WORD.findall(line) or [""]
    owners = rest[: next((at for at, word in enumerate(rest) if word.startswith("#")), len(rest))]
    if not 0 < len(pattern) <= MAX_PATTERN or pattern.startswith(("#", "!", "\\#")):
        return None
    if not all("@" in owner and len(owner) <= MAX_OWNER for owner in owners):
        return None
    return pattern, tuple(owners)


def _regex(pattern: str) -> str:
    """Translate a pattern as in .gitignore, but without ranges, and `foo/*` does not match files in folders of `foo`."""
    is_anywhere = "/" not in pattern[:-1]
    body = pattern.removeprefix("/")
    regex = _PIECE.sub(_translate, f"/{body}")
    if body.endswith("/"):
        regex += ".+"
    elif not pattern.endswith("/*"):
        regex += "(?:/.*)?"
    return f"(?s)(?:.*/)?{regex[1:]}" if is_anywhere else f"(?s){regex[1:]}"


def _translate(piece: "re.Match[str]") -> str:
    return _REGEXES.get(piece[0]) or re.escape(piece[1])
