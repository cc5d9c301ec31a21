"""Finds secrets and invisible characters in the text of a file, in linear time.

Secrets are reported by rule and line, never by value. Invisible characters can make code look different from what runs and from what
models read: https://trojansource.codes/
"""

import re
import unicodedata
from collections.abc import Iterator

from app.analyzers.hits import Hit
from app.domain.finding import Severity
from app.redaction import LIKELY_RULES, Redactor

_SPELLINGS = {
    "api": "API",
    "aws": "AWS",
    "gcp": "GCP",
    "jwt": "JWT",
    "url": "URL",
    "pat": "personal access token",
    "github": "GitHub",
    "gitlab": "GitLab",
    "openai": "OpenAI",
    "oauth": "OAuth",
    "npm": "npm",
    "pypi": "PyPI",
} | {
    name: name.capitalize()
    for name in ("slack", "stripe", "anthropic", "google", "azure", "twilio", "shopify", "sendgrid", "heroku")
}
_SAMPLE_PARTS = (
    "/test",
    "/spec/",
    "/__tests__/",
    "/fixtures/",
    "/testdata/",
    "/docs/",
    "/examples/",
    "example",
    ".sample",
    "readme",
    ".md",
)

_BIDI = "\u202a-\u202e\u2066-\u2069"
_TAGS = "\U000e0000-\U000e007f"
_SELECTORS = "\ufe00-\ufe0e\U000e0100-\U000e01ef"  # U+FE0F asks for a colored emoji and is common
_ZERO_WIDTH = "\u200b\u2060-\u2064\u180e\u3164\uffa0\u115f\u1160\u00ad"
_JOINERS = "\u200c\u200d"  # normal in Persian and Indic texts and inside emoji
_SUSPECT = re.compile(
    f"[{_BIDI}{_TAGS}{_SELECTORS}{_ZERO_WIDTH}]|(?<=[\x21-\x7e])[{_JOINERS}](?=[\x21-\x7e])"
)
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{2,6}\U000e007f")  # England, Scotland, Wales


def find_secret_hits(path: str, source: str, *, redactor: Redactor) -> Iterator[Hit]:
    """One hit per line; in tests and samples, likely secrets are skipped and certain ones have a lower severity."""
    seen: set[int] = set()
    for found in redactor.scan(source, path=path):
        severity = _secret_severity(found.rule, path)
        if found.line not in seen and severity is not None:
            seen.add(found.line)
            yield _secret_hit(path, found.line, found.rule, severity)


def find_hidden_hits(path: str, source: str) -> Iterator[Hit]:
    """One hit per line with invisible characters; a byte order mark at the beginning does not count."""
    for number, line in enumerate(source.removeprefix("\ufeff").split("\n"), start=1):
        if line.isascii():
            continue
        found = sorted(set(_SUSPECT.findall(_FLAG.sub("", line))))
        if found:
            yield _hidden_hit(path, number, found)


def _secret_severity(rule: str, path: str) -> Severity | None:
    if any(part in f"/{path.lower()}" for part in _SAMPLE_PARTS):
        return None if rule in LIKELY_RULES else Severity.MEDIUM
    if rule == "generic-api-key":
        return Severity.MEDIUM
    return Severity.HIGH if rule in LIKELY_RULES else Severity.CRITICAL


def _secret_hit(path: str, line: int, rule: str, severity: Severity) -> Hit:
    return Hit(
        path=path,
        start_line=line,
        end_line=line,
        rule_id="hardcoded-secret",
        severity=severity,
        title=f"{_secret_name(rule)} in the code",
        explanation=(
            "Anyone who can read this repository can use it, and deleting the line does not remove it from the history. "
            "Revoke it, then read a new one from the environment or a secret store."
        ),
        tool="secrets",
    )


def _secret_name(rule: str) -> str:
    """`stripe-access-token` → `Stripe access token`."""
    text = " ".join(_SPELLINGS.get(word, word) for word in rule.split("-"))
    return text if text.startswith("npm") else text[:1].upper() + text[1:]


def _hidden_hit(path: str, line: int, found: list[str]) -> Hit:
    reorders = any(re.match(f"[{_BIDI}]", character) for character in found)
    carries_text = any(re.match(f"[{_TAGS}{_SELECTORS}]", character) for character in found)
    names = ", ".join(
        f"U+{ord(character):04X} {unicodedata.name(character, 'unnamed').lower()}" for character in found[:4]
    )
    reason = (
        "They change the order in which the line is displayed, so the code does not run as it reads."
        if reorders
        else "They can contain text that people do not see but programs, including models, read."
        if carries_text
        else "They can make identical-looking names differ and hide text from searches."
    )
    return Hit(
        path=path,
        start_line=line,
        end_line=line,
        rule_id="hidden-characters",
        severity=Severity.HIGH if reorders or carries_text else Severity.LOW,
        title="Line contains invisible characters",
        explanation=f"{reason} Found: {names}. Delete them, or write them as an escape.",
        tool="hidden",
    )
