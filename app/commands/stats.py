"""`quorum stats`: the per-model table of the operator's database, for people or as JSON."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from app.dashboard.api import stats_value
from app.llm.learned import Interval, RoutingFigure, routing_figures
from app.llm.router import ORDER
from app.settings import load_settings
from app.since import parse_since
from app.store.database import Database
from app.store.model_calls import ModelStats, load_stats
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
WIDEST = 240


def stats(*, since: str, table_format: str, routing: bool) -> int:
    """Print the table; returns the exit code."""
    span = parse_since(since)
    database = Database(load_settings(env_file=Path(".env")).database_url)
    begin = datetime.now(UTC) - span
    try:
        rows = load_stats(database, begin)
        figures = routing_figures(load_provider_records(database, begin), ORDER) if routing else []
    finally:
        database.close()
    if table_format == "json":
        value = {"since": since, "models": [stats_value(row) for row in rows]}
        if routing:
            value["routing"] = [asdict(figure) for figure in figures]
        sys.stdout.write(json.dumps(value, indent=2) + "\n")
        return 0
    console, table = (
        Console(),
        render_routing(figures, since=since) if routing else render_stats(rows, since=since),
    )
    wanted = console.measure(table, options=console.options.update(width=WIDEST)).maximum
    console.width = max(
        console.width, wanted
    )  # a narrow terminal wraps lines; a cut figure would be a wrong one
    console.print(table)
    return 0


def render_stats(rows: list[ModelStats], *, since: str) -> Table | str:
    """The table as people read it; a sentence where there is nothing to show."""
    if not rows:
        return f"No model was called within {since}."
    table = Table(title=f"Models, last {since}", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("provider", "model") else "right")
    for row in rows:
        table.add_row(*_cells(row))
    return table


def render_routing(figures: list[RoutingFigure], *, since: str) -> Table | str:
    """The order that the recorded reviews speak for, with 95 % credible intervals."""
    if not figures:
        return f"Nothing was recorded within {since} from which an order could be learned."
    table = Table(title=f"Order by what was recorded, last {since}", title_justify="left")
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
        "–" if row.success_rate is None else f"{row.success_rate:.0%}",
        _milliseconds(row.average_ms),
        _milliseconds(row.p50_ms),
        _milliseconds(row.p95_ms),
        f"{row.input_tokens:,}",
        f"{row.cached_input_tokens:,}",
        f"{row.output_tokens:,}",
        _cost(row),
    ]


def _milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f} ms"


def _cost(row: ModelStats) -> str:
    unknown = f" + {row.unpriced_calls} unpriced" if row.unpriced_calls else ""
    return f"{row.cost_usd:,.4f}{unknown}"
