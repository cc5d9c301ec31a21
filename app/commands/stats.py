"""`quorum stats`: prints the per-model table and the outcome of findings from the operator's database, as text or JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from app.clock import parse_since, utc_now
from app.dashboard.api import load_stats_value
from app.llm.learned import Interval, RoutingFigure, routing_figures
from app.llm.router import favorites_of
from app.settings import load_settings
from app.store.database import Database
from app.store.model_calls import ModelStats, load_stats
from app.store.outcomes import OutcomeDimension, OutcomeRate, load_outcomes
from app.store.routing import load_provider_records

COLUMNS = (
    "provider",
    "model",
    "calls",
    "success",
    "average",
    "p50",
    "p95",
    "in",
    "cached",
    "out",
    "cost USD",
)
MAX_WIDTH = 240
MAX_LINES = 10  # of each dimension, such as rules; JSON has all of them


def stats(*, since: str, table_format: str, routing: bool) -> int:
    """Print the tables; returns the exit code."""
    span = parse_since(since)
    database = Database(load_settings(env_file=Path(".env")).database_url)
    begin = utc_now() - span
    try:
        if table_format == "json":
            value = {"since": since, **_load_value(database, begin, routing=routing)}
            sys.stdout.write(json.dumps(value, indent=2) + "\n")
            return 0
        for table in _load_tables(database, begin, since=since, routing=routing):
            _print(table)
    finally:
        database.close()
    return 0


def _load_value(database: Database, begin: datetime, *, routing: bool) -> dict[str, Any]:
    value = load_stats_value(database, begin)
    if routing:
        value["routing"] = [asdict(figure) for figure in _load_routing(database, begin)]
    return value


def _load_tables(database: Database, begin: datetime, *, since: str, routing: bool) -> list[Table | str]:
    if routing:
        return [render_routing(_load_routing(database, begin), since=since)]
    rows, outcomes = load_stats(database, begin), load_outcomes(database, begin)
    tables = [render_stats(rows, since=since)]
    return [*tables, render_outcomes(outcomes, since=since)] if any(outcomes.values()) else tables


def _load_routing(database: Database, since: datetime) -> list[RoutingFigure]:
    """The order that the records since `since` suggest."""
    return routing_figures(load_provider_records(database, since), favorites_of)


def _print(table: Table | str) -> None:
    """Print at full width: a narrow terminal wraps lines, but a truncated figure would be wrong."""
    console = Console()
    required = console.measure(table, options=console.options.update(width=MAX_WIDTH)).maximum
    console.width = max(console.width, required)
    console.print(table)


def render_stats(rows: list[ModelStats], *, since: str) -> Table | str:
    """The table, or a sentence if there is nothing to show."""
    if not rows:
        return f"No model was called in the last {since}."
    table = Table(title=f"Models, last {since}", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("provider", "model") else "right")
    for row in rows:
        table.add_row(*_cells(row))
    return table


def render_outcomes(outcomes: Mapping[OutcomeDimension, Sequence[OutcomeRate]], *, since: str) -> Table:
    """The outcome of findings by dimension; rates count only findings with a known outcome."""
    table = Table(title=f"Findings, last {since}", title_justify="left")
    for column in ("by", "", "findings", "decided", "resolved", "dismissed", "silent", "thumbs"):
        table.add_column(column, justify="left" if column in ("by", "") else "right")
    for by, lines in outcomes.items():
        for place, line in enumerate(lines[:MAX_LINES]):
            table.add_row(
                by.value if place == 0 else "",
                line.name,
                f"{line.findings:,}",
                f"{line.decided:,}",
                _percent(line.resolution_rate),
                _percent(line.dismissal_rate),
                _percent(line.silence_rate),
                f"+{line.thumbs_up} −{line.thumbs_down}",
            )
        if len(lines) > MAX_LINES:
            table.add_row("", f"and {len(lines) - MAX_LINES} more: --format json", *[""] * 6)
        table.add_section()
    return table


def render_routing(figures: list[RoutingFigure], *, since: str) -> Table | str:
    """The order that the recorded reviews suggest, with 95 % credible intervals."""
    if not figures:
        return f"Nothing recorded in the last {since} can be used to learn an order."
    table = Table(title=f"Learned order, last {since}", title_justify="left")
    for column in (
        "stage",
        "place",
        "provider",
        "calls",
        "answered",
        "findings judged",
        "held",
        "average",
        "USD a call",
    ):
        table.add_column(column, justify="left" if column in ("stage", "provider") else "right")
    for figure in figures:
        table.add_row(
            figure.stage,
            str(figure.place),
            figure.provider,
            f"{figure.calls:,}",
            _share(figure.success_rate, figure.success_interval),
            f"{figure.judged:,}",
            _share(figure.held_share, figure.held_interval),
            _milliseconds(figure.average_ms),
            f"{figure.cost_usd_per_call:.4f}",
        )
    return table


def _share(share: float | None, interval: Interval) -> str:
    low, high = interval
    return "–" if share is None else f"{share:.0%} ({low:.0%}–{high:.0%})"


def _cells(row: ModelStats) -> list[str]:
    return [
        row.provider,
        row.model,
        f"{row.calls:,}",
        _percent(row.success_rate),
        _milliseconds(row.average_ms),
        _milliseconds(row.p50_ms),
        _milliseconds(row.p95_ms),
        f"{row.input_tokens:,}",
        f"{row.cached_input_tokens:,}",
        f"{row.output_tokens:,}",
        _cost(row),
    ]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} ms"


def _cost(row: ModelStats) -> str:
    unknown = f" + {row.unpriced_calls} unpriced" if row.unpriced_calls else ""
    return f"{row.cost_usd:,.4f}{unknown}"
