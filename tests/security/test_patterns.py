"""Every regular expression of the program takes linear time, also on a text that was written to make it slow."""

import re
import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

import pytest

from tests.security.patterns import AnyPattern, all_patterns, files, hostile_texts, patterns_of

SIZE = 1 << 16  # characters
GIVE_UP_S = 5.0  # of this process's own time, for one text
NOTICEABLE_S = 0.1  # below, the clock is too coarse to compare
MAX_GROWTH = 9.0  # of the time, for four times the text: 4 if it is linear, 16 if it is quadratic
SUSPICIOUS_GROWTH = 6.0  # a quarter of the text is enough to acquit a pattern that grows more slowly


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


def is_slow(pattern: AnyPattern, method: str, *, give_up_s: float = GIVE_UP_S) -> str | None:
    """The beginning of a text that takes more than linear time; None if there is none.

    Each text is tried at a quarter of its size, and in full only if the quarter looks slow: what takes less than a sixteenth of a
    noticeable time takes no noticeable time in full, even if it is quadratic.
    """
    texts = [list(hostile_texts(pattern, part)) for part in (SIZE, SIZE // 4, SIZE // 16)]
    for large, medium, small in zip(*texts, strict=True):
        try:
            with limited(give_up_s):
                if _grows(pattern, method, medium, small, NOTICEABLE_S / 16, SUSPICIOUS_GROWTH) and _grows(
                    pattern, method, large, medium, NOTICEABLE_S, MAX_GROWTH
                ):
                    return large[:60]
        except TooSlow:
            return large[:60]
    return None


def _grows(
    pattern: AnyPattern, method: str, large: str, small: str, noticeable_s: float, growth: float
) -> bool:
    """Whether the larger text takes that many times as long as the smaller one; the best of several searches counts."""
    large_s = seconds(pattern, method, large)
    if large_s <= noticeable_s or large_s <= growth * seconds(pattern, method, small):
        return False
    small_s = min(seconds(pattern, method, small) for _ in range(3))
    return large_s > growth * small_s and seconds(pattern, method, large) > max(
        noticeable_s, growth * small_s
    )


@pytest.mark.parametrize("file", files())
def test_no_text_makes_a_pattern_of_this_file_slow(file: str) -> None:
    slow = [
        (found.place, method, text)
        for found in patterns_of(file)
        for method in found.methods
        if (text := is_slow(found.pattern, method))
    ]
    assert slow == []


def test_all_patterns_of_the_program_are_found() -> None:
    assert len(all_patterns()) > 150
    assert {"app/publish/text.py", "app/gather/names.py", "webhooks/commands.py"} <= set(files())


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
    assert is_slow(re.compile(pattern, re.DOTALL), method, give_up_s=0.5)
