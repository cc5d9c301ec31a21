"""Who owns a path, as `CODEOWNERS` at the base ref says. Pure, and linear in foreign text.

https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
"""

import re
from collections.abc import Mapping

from app.redaction.engine import RegexError, RegexSet

CODE_OWNERS_PATHS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")  # GitHub uses the first
MAX_BYTES = 3_000_000  # GitHub ignores a larger file
MAX_RULES = 5_000
MAX_PATTERN = 1_000  # characters
MAX_WILDCARDS = 40  # of a pattern; each makes the whole set slower
MAX_OWNER = 100  # characters; the longest login has 39, and a team's name comes after its organization's
_WORD = re.compile(r"(?:\\.|[^\s\\])+")
_PIECE = re.compile(r"/\*\*/|\*\*|\*|\?|\\?(.)", re.DOTALL)
_REGEXES = {"/**/": "/(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


class CodeOwners:
    """The rules of a repository; the last one that matches a path names its owners.

    `is_complete` is False if rules are left out, because there are too many, or they are too long or too complex.
    """

    def __init__(self, base_files: Mapping[str, bytes]) -> None:
        raw = next((base_files[path] for path in CODE_OWNERS_PATHS if path in base_files), b"")
        text = raw.decode("utf-8-sig", "replace") if len(raw) <= MAX_BYTES else ""
        lines = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
        parsed = [rule for line in lines[-MAX_RULES:] if (rule := _parse_line(line))]
        rules = [(pattern, owners) for pattern, owners in parsed if not _is_complex(pattern)]
        self._patterns, kept = _compiled([pattern for pattern, _ in rules])
        self._owners = [owners for _, owners in rules[len(rules) - kept :]]
        self.is_complete = len(raw) <= MAX_BYTES and len(lines) <= MAX_RULES and kept == len(parsed)

    def owners_of(self, path: str) -> tuple[str, ...]:
        """Return the owners; empty if no rule matches, or the last one that matches names nobody."""
        number = self._patterns.last_match(path)
        return () if number is None else self._owners[number]


def _is_complex(pattern: str) -> bool:
    return len(pattern) > MAX_PATTERN or pattern.count("*") + pattern.count("?") > MAX_WILDCARDS


def _compiled(patterns: list[str]) -> tuple[RegexSet, int]:
    """The last patterns, which win, and how many: as many of them as are not too large together."""
    kept = len(patterns)
    while True:
        try:
            return RegexSet([_regex(pattern) for pattern in patterns[len(patterns) - kept :]]), kept
        except RegexError:
            kept //= 2


def _parse_line(line: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the pattern and the owners; None for comments, and for what GitHub skips: negation and invalid owners."""
    pattern, *rest = _WORD.findall(line) or [""]
    owners = rest[: next((at for at, word in enumerate(rest) if word.startswith("#")), len(rest))]
    if not pattern or pattern.startswith(("#", "!", "\\#")):
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
