"""Figures and times as the pages show them. Pure; returns text, never markup."""

import math
from datetime import UTC, datetime

NOTHING = "–"
_SUFFIXES = ("", "k", "M", "G")


def usd(value: float | None) -> str:
    """Format as `$1,204.00`, `$0.03`, or `<$0.01`; a dash if unknown."""
    if value is None:
        return NOTHING
    return "<$0.01" if 0 < value < 0.005 else f"${value:,.2f}"


def number(value: float | None) -> str:
    """Format as `12,345`; a dash if unknown."""
    return NOTHING if value is None else f"{value:,.0f}"


def compact(value: float) -> str:
    """Format as `950`, `12.3k`, or `4.6M`, for tokens in a table."""
    power = 0
    while abs(value) >= 999.5 and power < len(_SUFFIXES) - 1:
        value, power = value / 1_000, power + 1
    return f"{value:.0f}" if power == 0 else f"{value:.1f}{_SUFFIXES[power]}"


def percent(part: float | None, whole: float | None = None) -> str:
    """Format a share, or a part of a whole, as `94%`; a dash if unknown."""
    share = part if whole is None else (part or 0) / whole if whole else None
    return NOTHING if share is None else f"{share:.0%}"


def milliseconds(value: float | None) -> str:
    """Format as `640 ms`, `4.2 s`, or `3 min 20 s`; a dash if unknown."""
    if value is None:
        return NOTHING
    if value < 1_000:
        return f"{value:.0f} ms"
    if value < 59_950:
        return f"{value / 1_000:.1f} s"
    minutes, seconds = divmod(round(value / 1_000), 60)
    return f"{minutes} min {seconds} s"


def hours(value: float | None) -> str:
    """Format as `25 min`, `3.5 h`, or `2.1 d`; a dash if unknown."""
    if value is None:
        return NOTHING
    if value < 1:
        return f"{value * 60:.0f} min"
    return f"{value:.1f} h" if value < 48 else f"{value / 24:.1f} d"


def change(value: float, before: float) -> str:
    """Say how a figure differs from that of the period before, e.g. `+12% on the period before`."""
    if not before:
        return "nothing in the period before"
    return f"{(value - before) / before:+.0%} on the period before".replace("-", "\u2212")


def timestamp(value: datetime | None) -> str:
    """Format as `2026-11-22 09:04 UTC`; a dash if unknown."""
    return NOTHING if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def ago(value: datetime, now: datetime) -> str:
    """Format as `just now`, `5 min ago`, `3 h ago`, or `12 d ago`."""
    seconds = (now - value).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3_600:
        return f"{seconds // 60:.0f} min ago"
    return f"{seconds // 3_600:.0f} h ago" if seconds < 172_800 else f"{seconds // 86_400:.0f} d ago"


def worth(value: int) -> str:
    """Say what the verifier's grade of a finding means to the authors of a change."""
    words = ((9, "stop the merge for it"), (7, "fix it before the merge"), (5, "worth fixing"), (3, "minor"))
    return next((text for limit, text in words if value >= limit), "hardly worth a comment")


def plural(count: int, noun: str) -> str:
    """Format as `1 file` or `2 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def ticks(total: float, *, max_steps: int = 5) -> list[float]:
    """Return round steps from 0 up to a total."""
    if total <= 0:
        return [0.0]
    raw = total / max_steps
    size = 10 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 5, 10) if factor * size >= raw)
    return [step * n for n in range(int(total / step) + 1)]


Z = 1.96  # for a 95% interval


def wilson_interval(part: int, whole: int) -> tuple[float, float] | None:
    """Return the 95% interval of a share, valid also for small samples and at 0 and 1; None without a sample.

    https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval#Wilson_score_interval
    """
    if whole == 0:
        return None
    share = part / whole
    center = share + Z * Z / (2 * whole)
    spread = Z * math.sqrt(share * (1 - share) / whole + Z * Z / (4 * whole * whole))
    scale = 1 + Z * Z / whole
    return max(0.0, (center - spread) / scale), min(1.0, (center + spread) / scale)
