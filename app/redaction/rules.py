"""Loads the published secret rules and Quorum's own, and finds their matches. Never keeps or returns a matched value.

The published rules are those of gitleaks (`app/data/gitleaks.toml`, MIT). They are written for RE2, so matching takes linear
time on any input. https://github.com/gitleaks/gitleaks#configuration
"""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from app.redaction.engine import RegexMatch, WordSet, compiled
from app.redaction.names import is_ordinary_value

DATA = Path(__file__).parent.parent / "data"
RULE_FILES = ("secrets.toml", "gitleaks.toml")

# A rule runs on each line that contains one of its keywords and on the text after it; longer lines are cut.
MAX_REGION_BYTES = 4_000
LOOKAHEAD_BYTES = 800
# These rules match names and shapes; all others match the format of one issuer.
LIKELY_RULES = frozenset(
    {
        "generic-api-key",
        "password",
        "password-setting",
        "basic-auth-url",
        "authorization-header",
        "jwt",
        "curl-auth-header",
        "curl-auth-user",
    }
)
# These can span several lines and run on the whole text.
_MULTI_LINE = frozenset({"private-key", "kubernetes-secret-yaml", "curl-auth-header", "curl-auth-user"})


@dataclass(frozen=True, slots=True)
class Allowlist:
    """Conditions that make a match harmless; `target` is `secret`, `match`, or `line`."""

    target: str
    regexes: tuple[str, ...]
    stopwords: tuple[str, ...]
    all_conditions: bool


@dataclass(frozen=True, slots=True)
class SecretRule:
    """One kind of secret; `group` is the group of its value, 0 for the first group that is not empty."""

    id: str
    regex: str
    keywords: tuple[str, ...]
    entropy: float
    group: int
    allowlists: tuple[Allowlist, ...]


@dataclass(frozen=True, slots=True)
class SecretSpan:
    """The span of a secret, in bytes."""

    start: int
    end: int
    rule: str


class SecretRules:
    """All rules, each compiled when its keyword first occurs."""

    def __init__(self, rules: Sequence[SecretRule], shared: Allowlist) -> None:
        self._shared = shared
        by_keyword: dict[str, list[SecretRule]] = {}
        for rule in rules:
            for keyword in rule.keywords:
                by_keyword.setdefault(keyword, []).append(rule)
        self._keywords = WordSet(list(by_keyword))
        self._by_keyword = [
            (f"(?i){re.escape(keyword)}", tuple(matching)) for keyword, matching in by_keyword.items()
        ]

    def find(self, data: bytes) -> list[SecretSpan]:
        """Every secret, in the order of the text; spans may overlap."""
        found: set[SecretSpan] = set()
        for word in self._keywords.find(data):
            keyword, rules = self._by_keyword[word]
            regions = _regions_with(keyword, data)
            for rule in rules:
                for start, end in [(0, len(data))] if rule.id in _MULTI_LINE else regions:
                    found.update(self._match(rule, data, start, end))
        return sorted(found, key=lambda span: (span.start, -span.end))

    def _match(self, rule: SecretRule, data: bytes, start: int, end: int) -> Iterator[SecretSpan]:
        """Matches that begin in the region; they may reach past its end."""
        region = data[start : end + LOOKAHEAD_BYTES]
        for match in compiled(rule.regex).finditer(region):
            first, last = match.span(_value_group(rule, match))
            if match.start() <= end - start and not self._is_harmless(rule, region, match, first, last):
                yield SecretSpan(start + first, start + last, rule.id)

    def _is_harmless(self, rule: SecretRule, region: bytes, match: RegexMatch, first: int, last: int) -> bool:
        value = region[first:last]
        if rule.entropy and _entropy(value) <= rule.entropy:
            return True
        if rule.id.startswith("generic") and _is_ordinary(region, match.start(), first, last):
            return True
        line = region[region.rfind(b"\n", 0, first) + 1 : _line_end(region, last)]
        texts = {"secret": value, "match": match.group(0), "line": line}
        return any(_allows(allowlist, texts) for allowlist in (*rule.allowlists, self._shared))


@cache
def load_secret_rules() -> SecretRules:
    """The rules of `RULE_FILES`, read once."""
    documents = [tomllib.loads((DATA / name).read_text(encoding="utf-8")) for name in RULE_FILES]
    rules = [
        _parse_rule(raw)
        for document in documents
        for raw in document["rules"]
        if "regex" in raw and "path" not in raw
    ]
    return SecretRules(rules, _parse_allowlist(documents[-1]["allowlist"]))


@cache
def ignored_path_patterns() -> tuple[str, ...]:
    """Paths where the published rules find only noise: lock files, images, vendored code."""
    document = tomllib.loads((DATA / "gitleaks.toml").read_text(encoding="utf-8"))
    return tuple(document["allowlist"]["paths"])


def is_ignored_path(path: str) -> bool:
    """Whether a hit in this file would be noise."""
    return any(
        compiled(pattern).search(path.encode("utf-8", "replace")) for pattern in ignored_path_patterns()
    )


def _is_ordinary(region: bytes, start: int, first: int, last: int) -> bool:
    """Whether a value without a format of its own is no secret: it has no digit, or an ordinary name or form."""
    value = region[first:last]
    if not any(48 <= byte <= 57 for byte in value):
        return True
    name, before = region[start:first].decode("utf-8", "replace"), region[first - 1 : first]
    return is_ordinary_value(name, value.decode("utf-8", "replace"), quoted=before in (b'"', b"'", b"`"))


def _parse_rule(raw: dict[str, Any]) -> SecretRule:
    lists = [_parse_allowlist(one) for one in raw.get("allowlists", ()) if not one.get("paths")]
    return SecretRule(
        id=raw["id"],
        regex=raw["regex"],
        keywords=tuple(raw["keywords"]),
        entropy=raw.get("entropy", 0.0),
        group=raw.get("secretGroup", 0),
        allowlists=tuple(lists),
    )


def _parse_allowlist(raw: dict[str, Any]) -> Allowlist:
    return Allowlist(
        target=raw.get("regexTarget", "secret"),
        regexes=tuple(raw.get("regexes", ())),
        stopwords=tuple(raw.get("stopwords", ())),
        all_conditions=raw.get("condition") == "AND",
    )


def _allows(allowlist: Allowlist, texts: dict[str, bytes]) -> bool:
    target, value = texts[allowlist.target], texts["secret"].lower()
    by_regex = any(compiled(regex).search(target) for regex in allowlist.regexes)
    by_word = any(word.encode() in value for word in allowlist.stopwords)
    return by_regex and by_word if allowlist.all_conditions else by_regex or by_word


def _value_group(rule: SecretRule, match: RegexMatch) -> int:
    """The rule's group, or, like gitleaks, the first group that is not empty."""
    if rule.group:
        return rule.group
    return next((index for index, value in enumerate(match.groups(), start=1) if value), 0)


def _regions_with(keyword: str, data: bytes) -> set[tuple[int, int]]:
    """The lines in which the keyword occurs, without their line breaks; of a long line, the parts in which it begins."""
    regions: set[tuple[int, int]] = set()
    start, end = 0, -1  # of the line of the last match
    for match in compiled(keyword).finditer(data):
        position = match.start()
        if position >= end:
            start = data.rfind(b"\n", max(end, 0), position) + 1
            end = _line_end(data, position)
        first = position - (position - start) % MAX_REGION_BYTES
        regions.add((first, min(first + MAX_REGION_BYTES, end)))
    return regions


def _line_end(data: bytes, position: int) -> int:
    end = data.find(b"\n", position)
    return len(data) if end < 0 else end


def _entropy(value: bytes) -> float:
    """Shannon entropy in bits per character."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values()) if value else 0.0
