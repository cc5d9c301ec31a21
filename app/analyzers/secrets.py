"""Finds secrets in the text of a file, in linear time. Reports them by rule and line, never by value."""

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


def find_secret_hits(path: str, source: str, *, redactor: Redactor) -> Iterator[Hit]:
    """One hit per line; in tests and samples, likely secrets are skipped and certain ones have a lower severity."""
    seen: set[int] = set()
    for found in redactor.scan(source, path=path):
        severity = _secret_severity(found.rule, path)
        if found.line not in seen and severity is not None:
            seen.add(found.line)
            yield _secret_hit(path, found.line, found.rule, severity)


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
