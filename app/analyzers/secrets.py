"""Secrets as findings: the rule and the line, never the value."""

from collections.abc import Iterator

from app.analyzers.values import Hit
from app.domain.finding import Severity
from app.redaction import LIKELY_RULES, Redactor

TOOL = "secrets"
_ABBREVIATIONS = {
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
}
_NAMES = {
    "github",
    "gitlab",
    "slack",
    "stripe",
    "anthropic",
    "google",
    "azure",
    "twilio",
    "shopify",
    "sendgrid",
    "heroku",
}


def find_secret_hits(path: str, source: str, *, redactor: Redactor) -> Iterator[Hit]:
    """One hit a line; in tests and samples a likely one is left out, a certain one counts less."""
    seen: set[int] = set()
    for found in redactor.scan(source, path=path):
        severity = _severity(found.rule, path)
        if found.line not in seen and severity is not None:
            seen.add(found.line)
            yield _hit(path, found.line, found.rule, severity)


def _severity(rule: str, path: str) -> Severity | None:
    if _is_sample(path):
        return None if rule in LIKELY_RULES else Severity.MEDIUM
    if rule == "generic-api-key":
        return Severity.MEDIUM
    return Severity.HIGH if rule in LIKELY_RULES else Severity.CRITICAL


def _is_sample(path: str) -> bool:
    lower = f"/{path.lower()}"
    return any(
        part in lower
        for part in (
            "/test",
            "/tests/",
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
    )


def _hit(path: str, line: int, rule: str, severity: Severity) -> Hit:
    name = _spoken(rule)
    return Hit(
        path=path,
        start_line=line,
        end_line=line,
        rule_id="hardcoded-secret",
        severity=severity,
        title=f"{name} in the code",
        explanation=(
            "Everybody who can read this repository, now or later, can use it, and taking the line out does not take it "
            "out of the history. Revoke it where it was issued, then read a new one from the environment or a secret "
            "store."
        ),
        tool=TOOL,
    )


def _spoken(rule: str) -> str:
    """`stripe-access-token` → `Stripe access token`."""
    words = [
        _ABBREVIATIONS.get(word, word.capitalize() if word in _NAMES else word) for word in rule.split("-")
    ]
    text = " ".join(words)
    return text[:1].upper() + text[1:] if not text.startswith("npm") else text
