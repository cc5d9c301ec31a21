"""Spans such as `7d`, as people write them on the command line and in addresses. Pure."""

import re
from datetime import timedelta

from app.errors import InputError

_SPAN = re.compile(r"(\d{1,4})([hdw])", re.ASCII)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def parse_since(text: str) -> timedelta:
    """How far back; raises `InputError` for anything but hours, days or weeks."""
    match = _SPAN.fullmatch(text.strip().lower())
    if not match:
        raise InputError(f"{text[:20]!r} is no span: write hours, days or weeks, such as 12h, 7d or 4w.")
    return int(match[1]) * _UNITS[match[2]]
