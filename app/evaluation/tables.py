"""Tables of text, and the table of calls that every kind of `quorum eval` prints. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.model_call import ModelCall, Outcome

NOTHING = "–"


def render_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Render rows under a head; the first column is aligned to the left."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    )


def share(part: float, whole: int) -> float | None:
    """Part of a whole; None if there is none, never 0 or 1."""
    return part / whole if whole else None


def percent(value: float | None) -> str:
    """A share as a percentage."""
    return NOTHING if value is None else f"{value:.1%}"


def number(value: float | None) -> str:
    """A number with two decimal places."""
    return NOTHING if value is None else f"{value:.2f}"


def usd(value: float | None) -> str:
    """A cost; a dash if a price is unknown."""
    return NOTHING if value is None else f"{value:.4f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures:
    """The calls of one model with one version of one prompt; `cost_usd` is None if a price is unknown."""

    prompt_id: str
    prompt_version: str
    model: str  # provider:model
    calls: int
    failed: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


def call_rows(calls: Sequence[ModelCall]) -> list[CallFigures]:
    """Return a row per prompt, version and model."""
    groups: dict[tuple[str, str, str], list[ModelCall]] = {}
    for call in calls:
        key = (call.prompt_id, call.prompt_version, f"{call.provider}:{call.model}")
        groups.setdefault(key, []).append(call)
    return [_call_row(*key, group) for key, group in sorted(groups.items())]


def _call_row(prompt_id: str, version: str, model: str, calls: Sequence[ModelCall]) -> CallFigures:
    return CallFigures(
        prompt_id=prompt_id,
        prompt_version=version,
        model=model,
        calls=len(calls),
        failed=sum(call.outcome is not Outcome.OK for call in calls),
        input_tokens=sum(call.usage.input_tokens for call in calls),
        output_tokens=sum(call.usage.output_tokens for call in calls),
        cost_usd=total_usd([call.cost_usd for call in calls]),
    )


def total_usd(costs: Sequence[float | None]) -> float | None:
    """The sum; None if one is unknown."""
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def render_calls(rows: Sequence[CallFigures]) -> str:
    """Render the table of calls."""
    return render_table(
        ("prompt", "version", "model", "calls", "failed", "in", "out", "USD"),
        [
            (
                row.prompt_id,
                row.prompt_version,
                row.model,
                str(row.calls),
                str(row.failed),
                f"{row.input_tokens:,}",
                f"{row.output_tokens:,}",
                usd(row.cost_usd),
            )
            for row in rows
        ],
    )
