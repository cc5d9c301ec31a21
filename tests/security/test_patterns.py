"""Every regular expression of the program takes linear time, also on a text that was written to make it slow."""

import re
import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

import pytest

from tests.security.patterns import AnyPattern, Found, all_patterns, hostile_texts

SIZE = 1 << 16  # characters
GIVE_UP_S = 5.0  # of this process's own time, for one text
NOTICEABLE_S = 0.1  # below, the clock is too coarse to compare
MAX_GROWTH = 9.0  # of the time, for four times the text: 4 if it is linear, 16 if it is quadratic
FILES = sorted({found.place.partition(":")[0] for found in all_patterns()})


class TooSlow(Exception):
    """The search did not end in time."""


@contextmanager
def limited(seconds: float) -> Generator[None]:
    """Interrupt the search, which counts only this process's own time, so that a busy machine makes no difference."""

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def seconds(pattern: AnyPattern, method: str, text: str) -> float:
    """This process's own time for one search."""
    subject, nothing = (text, "") if isinstance(pattern.pattern, str) else (text.encode(), b"")
    run: Callable[..., object] = getattr(pattern, method)
    begun = time.process_time()
    result = run(nothing, subject) if method in ("sub", "subn") else run(subject)
    if method == "finditer":
        list(result)  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownArgumentType, reportUnknownVariableType]
    return time.process_time() - begun


def is_linear(pattern: AnyPattern, method: str, size: int = SIZE) -> str | None:
    """The beginning of a text that takes more than linear time; None if there is none."""
    for large, small in zip(hostile_texts(pattern, size), hostile_texts(pattern, size // 4), strict=True):
        try:
            with limited(GIVE_UP_S):
                long_s = seconds(pattern, method, large)
                if long_s > NOTICEABLE_S:
                    long_s = min(long_s, seconds(pattern, method, large))
                    short_s = min(seconds(pattern, method, small) for _ in range(3))
                    if long_s > NOTICEABLE_S and long_s > MAX_GROWTH * short_s:
                        return large[:60]
        except TooSlow:
            return large[:60]
    return None


@pytest.mark.parametrize("file", FILES)
def test_no_text_makes_a_pattern_of_this_file_slow(file: str) -> None:
    slow = [
        (found.place, method, text)
        for found in _distinct(file)
        for method in found.methods
        if (text := is_linear(found.pattern, method))
    ]
    assert slow == []


def _distinct(file: str) -> list[Found]:
    return [found for found in all_patterns() if found.place.startswith(f"{file}:")]


def test_all_patterns_of_the_program_are_found() -> None:
    assert len(all_patterns()) > 150
    assert {"app/publish/text.py", "app/gather/names.py", "webhooks/commands.py"} <= set(FILES)


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"\A(?:\s*(?:#.*|\w+)?\n?)+\Z", "search"),  # exponential: an optional part inside a repeat
        (r"(?:a|a)*b", "match"),
        (r"\s+$", "search"),  # quadratic: from every space to the last
        (r"\w*\[x\]", "sub"),
        (r"<!--.*?-->", "findall"),
        (r"^\s*;?\s*$", "match"),
    ],
)
def test_a_pattern_that_backtracks_is_noticed(pattern: str, method: str) -> None:
    assert is_linear(re.compile(pattern, re.DOTALL), method)
