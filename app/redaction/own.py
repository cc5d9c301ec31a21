"""Finds pieces of Quorum's own secrets in a text, in any encoding. Never logs or returns them.

A prefix pattern is not enough, because a key can appear without its first characters. Any eight consecutive
characters of a secret therefore count: plain, reversed, in base64 (at each of its three alignments), and in hex. A short secret, or
one like `00000000`, would match inside many numbers and words, so it counts only as a whole word. A short secret of letters only
(`none`, `x`) is a placeholder for a server that needs no key, not a secret.
"""

import base64
import re
from collections.abc import Iterable, Iterator

WINDOW_CHARACTERS = 8
RULE = "own-secret"

# Public parts: vendors' published prefixes, the armor of a key, and the DER header of an RSA key.
_PUBLIC = re.compile(
    r"-----[A-Z ]+-----|\bMII[A-Za-z0-9+/]{20}|\bsk-(?:ant-[a-z]+\d\d-|proj-|svcacct-)?|\bgh[pousr]_|\bgithub_pat_|\bAIzaSy"
)
# Eight hex characters encode only four characters of a secret, and many IDs contain such a run.
_HEX_CHARACTERS = 2 * WINDOW_CHARACTERS
_HEX = re.compile(rf"[0-9A-Fa-f]{{{_HEX_CHARACTERS},}}")
_LEAST_DIFFERENT = 3  # characters in a distinctive run


class OwnSecrets:
    """The eight-character windows of the secrets; secrets without one count as whole words."""

    def __init__(self, secrets: Iterable[str]) -> None:
        parts = {secret: _private_parts(secret) for secret in secrets}
        self._windows = _Windows(
            (form for each in parts.values() for part in each for form in _forms(part)), WINDOW_CHARACTERS
        )
        self._hex = _Windows(
            (_bytes(part).hex() for each in parts.values() for part in each), _HEX_CHARACTERS
        )
        alone = [
            secret.strip()
            for secret, each in parts.items()
            if not any(_is_distinctive(run) for run in _windows(each, WINDOW_CHARACTERS))
        ]
        self._words = _words(word for word in alone if _PUBLIC.sub("", word) and not _is_placeholder(word))

    def find(self, text: str) -> list[tuple[int, int]]:
        """The spans of the pieces as (start, end) in characters, in order; adjacent pieces are joined."""
        found = [*self._windows.find(text)]
        for run in _HEX.finditer(text):
            turned = self._hex.find(run.group().lower())
            found += ((run.start() + start, run.start() + end) for start, end in turned)
        if self._words:
            found += (match.span() for match in self._words.finditer(text))
        spans: list[tuple[int, int]] = []
        for start, end in sorted(found):
            if spans and spans[-1][1] >= start:
                first, last = spans.pop()
                start, end = first, max(last, end)
            spans.append((start, end))
        return spans


class _Windows:
    """Finds the windows in a text; looks only where the text has enough characters that occur in a window."""

    def __init__(self, forms: Iterable[str], width: int) -> None:
        self._windows = _windows(forms, width)
        self._width = width
        characters = "".join(sorted(set[str]().union(*self._windows)))
        self._candidates = re.compile(rf"[{re.escape(characters)}]{{{width},}}") if characters else None

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """The spans of the windows in the text that are distinctive, in order."""
        for run in self._candidates.finditer(text) if self._candidates else ():
            for start in range(run.start(), run.end() - self._width + 1):
                window = text[start : start + self._width]
                if window in self._windows and _is_distinctive(window):
                    yield start, start + self._width


def _windows(forms: Iterable[str], width: int) -> frozenset[str]:
    """The runs of each form; runs that are not distinctive are dropped when they are found, which is rare."""
    return frozenset(form[start : start + width] for form in forms for start in range(len(form) - width + 1))


def _is_distinctive(run: str) -> bool:
    """Runs of one or two characters would match by chance."""
    return len(set(run)) >= _LEAST_DIFFERENT


def _is_placeholder(word: str) -> bool:
    return len(word) < WINDOW_CHARACTERS and word.isalpha()


def _words(words: Iterable[str]) -> re.Pattern[str] | None:
    either = "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)") if either else None


def _bytes(part: str) -> bytes:
    return part.encode("utf-8", "surrogatepass")


def _private_parts(secret: str) -> list[str]:
    """The secret, one piece per line, without its public parts."""
    parts = (part.strip() for part in re.split(r"\s+", _PUBLIC.sub(" ", secret)))
    return [part for part in parts if len(part) >= WINDOW_CHARACTERS]


def _forms(part: str) -> Iterator[str]:
    raw = _bytes(part)
    yield part
    yield part[::-1]
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        # Characters that share bits with the unknown neighbors are left out.
        certain = encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        yield certain
        yield certain.replace("+", "-").replace("/", "_")
