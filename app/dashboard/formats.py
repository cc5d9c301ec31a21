"""Figures and moments as the pages show them. Pure; returns text, never markup."""

import math
from datetime import UTC, datetime

NOTHING = "–"
_SUFFIXES = ("", "k", "M", "G")


def usd(value: float | None) -> str:
    """`$1,204`, `$12.40`, `$0.80`, `$0.0312`; a dash where it is unknown."""
    if value is None:
        return NOTHING
    if value == 0:
        return "$0"
    places = 0 if value >= 1_000 else 2 if value >= 0.1 else 4
    return f"${value:,.{places}f}"


def number(value: float | None) -> str:
    """`12,345`; a dash where it is unknown."""
    return NOTHING if value is None else f"{value:,.0f}"


def compact(value: float) -> str:
    """`950`, `12.3k`, `4.6M`: tokens in a table."""
    power = 0
    while abs(value) >= 999.5 and power < len(_SUFFIXES) - 1:
        value, power = value / 1_000, power + 1
    return f"{value:.0f}" if power == 0 else f"{value:.1f}{_SUFFIXES[power]}"


def percent(part: float | None, whole: float | None = None) -> str:
    """`94 %` of a share, or of a part and a whole; a dash where there is nothing to divide."""
    share = part if whole is None else (part or 0) / whole if whole else None
    return NOTHING if share is None else f"{share:.0%}".replace("%", " %")


def milliseconds(value: float | None) -> str:
    """`640 ms`, `4.2 s`, `3 min 20 s`."""
    if value is None:
        return NOTHING
    if value < 1_000:
        return f"{value:.0f} ms"
    if value < 59_950:
        return f"{value / 1_000:.1f} s"
    minutes, seconds = divmod(round(value / 1_000), 60)
    return f"{minutes} min {seconds} s"


def moment(value: datetime | None) -> str:
    """`2026-11-22 09:04 UTC`; a dash where it has not come."""
    return NOTHING if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def ago(value: datetime, now: datetime) -> str:
    """`just now`, `5 min ago`, `3 h ago`, `12 d ago`."""
    seconds = (now - value).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3_600:
        return f"{seconds // 60:.0f} min ago"
    return f"{seconds // 3_600:.0f} h ago" if seconds < 172_800 else f"{seconds // 86_400:.0f} d ago"


def plural(count: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def ticks(total: float, *, most: int = 5) -> list[float]:
    """Round steps from 0 up to a total."""
    if total <= 0:
        return [0.0]
    raw = total / most
    size = 10 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= raw)
    return [step * n for n in range(int(total / step) + 1)]
