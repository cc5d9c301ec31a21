"""`quorum stats`: prints the per-model table and the outcome of findings, of the App and of `quorum review`, as text or JSON."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from app.clock import parse_since, utc_now
from app.commands.own_settings import isolated_settings
from app.dashboard.api import load_stats_value
from app.errors import StoreOutdated
from app.llm.learned import Interval, RoutingFigure, routing_figures
from app.llm.router import favorites_of
from app.settings import load_settings
from app.store.database import Database, parse_database_url
from app.store.fixes import FixFigures, load_fix_figures
from app.store.model_calls import ModelStats, load_stats
from app.store.outcomes import OutcomeDimension, OutcomeRate, load_outcomes
from app.store.read_only import is_missing
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Store:
    """A database that has statistics."""

    of: str
    url: str

    @property
    def name(self) -> str:
        """Its path, or its URL without the password."""
        url = parse_database_url(self.url)
        return url.database or "" if url.get_backend_name() == "sqlite" else url.render_as_string()


def stats(*, since: str, table_format: str, routing: bool) -> int:
    """Print the tables and where they come from; returns the exit code. Changes nothing."""
    begin = utc_now() - parse_since(since)
    places = _places()
    known = [place for place in places if _is_readable(place)]
    if table_format == "json":
        _print_json(known, begin, since=since, routing=routing)
    for place in known if table_format == "text" else ():
        with closing(Database(place.url, read_only=True)) as database:
            for table in _load_tables(database, begin, since=since, routing=routing):
                _print(table)
        sys.stdout.write(f"{place.of}: {place.name}\n")
    if not known:
        looked = " and ".join(place.name for place in places)
        stream = sys.stderr if table_format == "json" else sys.stdout
        stream.write(f"No model was called in the last {since}. Looked in {looked}.\n")
    return 0


def _is_readable(place: _Store) -> bool:
    """Whether there is a database with today's tables; says so on stderr if they are of an earlier release."""
    if is_missing(parse_database_url(place.url)):
        return False
    try:
        Database(place.url, read_only=True).close()
    except StoreOutdated as error:
        sys.stderr.write(f"quorum: {place.name} is left out: {error}\n")
        return False
    return True


def _places() -> list[_Store]:
    """The App's database, and that of `quorum review` unless a setting names the same one for both."""
    app = load_settings(env_file=Path(".env")).database_url
    own = isolated_settings().database_url
    if app == own:
        return [_Store(of="The App and `quorum review`", url=app)]
    return [_Store(of="The App", url=app), _Store(of="`quorum review`", url=own)]


def _print_json(places: Sequence[_Store], begin: datetime, *, since: str, routing: bool) -> None:
    """Print one object; with two databases, the second one's figures are in `quorum_review`."""
    values: list[dict[str, Any]] = []
    for place in places:
        with closing(Database(place.url, read_only=True)) as database:
            values.append(_load_value(database, begin, routing=routing))
    first: dict[str, Any] = values[0] if values else {"models": [], "outcomes": {}}
    second = {"quorum_review": values[1]} if len(values) > 1 else {}
    sys.stdout.write(json.dumps({"since": since, **first, **second}, indent=2) + "\n")


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
    if any(outcomes.values()):
        tables.append(render_outcomes(outcomes, since=since))
    if fixes := load_fix_figures(database, begin):
        tables.append(render_fixes(fixes, since=since))
    return tables


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


def render_fixes(figures: Sequence[FixFigures], *, since: str) -> Table:
    """What became of the fixes that people asked for, by the model that wrote them."""
    table = Table(title=f"Fixes, last {since}", title_justify="left")
    columns = ("asked", "proposed", "confirmed", "committed", "kept", "reverted")
    table.add_column("model")
    for column in (*columns, "cost USD"):
        table.add_column(column, justify="right")
    for line in figures:
        counts = (f"{getattr(line, column):,}" for column in columns)
        table.add_row(line.model or "none", *counts, f"{line.cost_usd:,.4f}")
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
        "held alone",
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
            f"{figure.held_alone:,}",
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
