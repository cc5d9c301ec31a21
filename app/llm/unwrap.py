"""Finds the JSON of an answer among what models put around it: thoughts, prose, code fences and remarks.

Models that answer without an enforced schema do that, and models that think aloud do it even with one: some servers leave
`<think>…</think>` in the text, and templates that open the tag themselves leave only the closing one.
"""

import json
import re
from collections.abc import Collection, Iterator
from typing import NoReturn

MAX_STARTS = 60  # of objects that turn out to be none; each costs one pass over the text

_CLOSED_THOUGHT = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_OBJECT_START = re.compile(r"\{(?=\s*[\"}])")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def parse_strict(text: str) -> object:
    """Parse a text that is JSON and nothing else; raises `ValueError` or `RecursionError`."""
    return json.loads(text, parse_constant=_no_constant)


def parse_wrapped(text: str, *, wanted: Collection[str]) -> object:
    """Parse a text that contains an answer: an object that has the most of the `wanted` keys, the last of equals.

    Text after the thoughts is searched first, because thoughts contain drafts.

    Raises:
        ValueError: there is no such object.
    """
    text = text.strip().removeprefix("\ufeff")
    try:
        return parse_strict(text)
    except (ValueError, RecursionError):
        pass
    for part in _without_thoughts(text):
        found = [value for value in _objects(part) if not wanted or _score(value, wanted)]
        if found:
            return max(reversed(found), key=lambda value: _score(value, wanted))
    raise ValueError("no JSON object")


def _score(value: dict[str, object], wanted: Collection[str]) -> int:
    return sum(name in value for name in wanted)


def _without_thoughts(text: str) -> Iterator[str]:
    """Yield what follows the first closing tag, which a quote in the answer may contain as well, then the whole text."""
    closed = _CLOSED_THOUGHT.search(text)
    if closed:
        yield text[closed.end() :]
    yield text


def _objects(text: str) -> Iterator[dict[str, object]]:
    """Yield the JSON objects in a text from left to right; an object inside another one belongs to it."""
    position, failed = 0, 0
    while failed < MAX_STARTS and (start := _OBJECT_START.search(text, position)):
        try:
            value, position = _DECODER.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            failed += 1
            position = start.end()
        else:
            yield value
