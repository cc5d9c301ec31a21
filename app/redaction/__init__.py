"""Removes secrets from text, and reports where they are. Never keeps or logs a value.

All text that goes to a vendor, the database, a log, or GitHub passes through here. Line counts do not change.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from app.redaction.own import RULE as OWN_SECRET
from app.redaction.own import OwnSecrets
from app.redaction.rules import LIKELY_RULES, SecretSpan, is_ignored_path, load_secret_rules

__all__ = ["LIKELY_RULES", "OWN_SECRET", "Redactor", "SecretHit"]

DIGEST_BYTES = 32
MAX_CLEAN = 10_000  # digests: the hunks of the largest reviews, in about 1 MiB


@dataclass(frozen=True, slots=True, order=True)
class SecretHit:
    """A secret by its 1-based line and the rule that found it; never its value."""

    line: int
    rule: str


class Redactor:
    """Finds secrets by rule, and the operator's own secrets in any form.

    Of what it reads it keeps only digests of texts without secrets: a review redacts the same code for each question.
    """

    def __init__(self, own_secrets: Iterable[str] = ()) -> None:
        self._own = OwnSecrets(own_secrets)
        self._clean: set[bytes] = set()

    def redact(self, text: str) -> str:
        """The text with each secret replaced by `[REDACTED:<rule>]`; line breaks inside a secret are kept."""
        data = text.encode("utf-8", "surrogatepass")
        digest = blake2b(data, digest_size=DIGEST_BYTES).digest()
        if digest in self._clean:
            return text
        spans = _merged([*self._own_spans(text), *load_secret_rules().find(data)])
        if not spans:
            self._remember_clean(digest)
        for span in reversed(spans):
            lines = data.count(b"\n", span.start, span.end)
            data = data[: span.start] + f"[REDACTED:{span.rule}]".encode() + b"\n" * lines + data[span.end :]
        return data.decode("utf-8", "surrogatepass")

    def _remember_clean(self, digest: bytes) -> None:
        if len(self._clean) >= MAX_CLEAN:
            self._clean.clear()
        self._clean.add(digest)

    def secrets_of(self, text: str) -> frozenset[str]:
        """The secrets themselves, to remove them from messages about the text; never keep them."""
        data = text.encode("utf-8", "surrogatepass")
        spans = _merged([*self._own_spans(text), *load_secret_rules().find(data)])
        return frozenset(data[span.start : span.end].decode("utf-8", "surrogatepass") for span in spans)

    def scan(self, text: str, *, path: str = "") -> list[SecretHit]:
        """The lines where secrets begin; in files full of look-alikes (lock files, vendored code), only of certain ones."""
        data = text.encode("utf-8", "surrogatepass")
        spans = _merged([*self._own_spans(text), *load_secret_rules().find(data)])
        if path and is_ignored_path(path):
            spans = [span for span in spans if span.rule not in LIKELY_RULES]
        return _hits(data, spans)

    def _own_spans(self, text: str) -> list[SecretSpan]:
        return [
            SecretSpan(_byte_length(text[:start]), _byte_length(text[:end]), OWN_SECRET)
            for start, end in self._own.find(text)
        ]


def _merged(spans: list[SecretSpan]) -> list[SecretSpan]:
    """Merge overlapping spans, under the rule that is most specific about the format."""
    merged: list[SecretSpan] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end, one.rule in LIKELY_RULES, one.rule)):
        if merged and span.start < merged[-1].end:
            last = merged.pop()
            rule = span.rule if last.rule in LIKELY_RULES else last.rule
            span = SecretSpan(last.start, max(last.end, span.end), rule)
        merged.append(span)
    return merged


def _hits(data: bytes, spans: list[SecretSpan]) -> list[SecretHit]:
    return sorted({SecretHit(data.count(b"\n", 0, span.start) + 1, span.rule) for span in spans})


def _byte_length(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
