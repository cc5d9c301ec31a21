"""Finds pieces of Quorum's own secrets in a text, however they were turned. Never logs or returns them.

A prefix pattern is not enough: a key leaked elsewhere with its first characters cut off. So any run of eight
characters counts, plain, reversed, in base64 (at each of its three alignments) and in hex.
"""

import base64
import re
from collections.abc import Iterable, Iterator

WINDOW_CHARACTERS = 8
RULE = "own-secret"

# What anyone may write: vendors' published prefixes, the armour of a key and the DER header of an RSA key.
_PUBLIC = re.compile(
    r"-----[A-Z ]+-----|\bMII[A-Za-z0-9+/]{20}|\bsk-(?:ant-[a-z]+\d\d-|proj-|svcacct-)?|\bgh[pousr]_|\bgithub_pat_|\bAIzaSy"
)


class OwnSecrets:
    """The eight-character windows of the secrets; short pieces are left out, they would match by chance."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._windows = frozenset(
            form[start : start + WINDOW_CHARACTERS]
            for secret in secrets
            for part in _private_parts(secret)
            for form in _forms(part)
            for start in range(len(form) - WINDOW_CHARACTERS + 1)
        )

    def find(self, text: str) -> list[tuple[int, int]]:
        """Where pieces stand, as (start, end) in characters; touching pieces are one."""
        spans: list[tuple[int, int]] = []
        if not self._windows:
            return spans
        for start in range(len(text) - WINDOW_CHARACTERS + 1):
            if text[start : start + WINDOW_CHARACTERS] in self._windows:
                first = spans.pop()[0] if spans and spans[-1][1] >= start else start
                spans.append((first, start + WINDOW_CHARACTERS))
        return spans


def _private_parts(secret: str) -> list[str]:
    """The secret in one piece a line, without what is public in it."""
    parts = (part.strip() for part in re.split(r"\s+", _PUBLIC.sub(" ", secret)))
    return [part for part in parts if len(part) >= WINDOW_CHARACTERS]


def _forms(part: str) -> Iterator[str]:
    raw = part.encode("utf-8", "surrogatepass")
    yield part
    yield part[::-1]
    yield raw.hex()
    yield raw.hex().upper()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        # The characters that share bits with the unknown neighbours say nothing.
        certain = encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        yield certain
        yield certain.replace("+", "-").replace("/", "_")
