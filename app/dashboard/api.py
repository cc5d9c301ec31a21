"""The HTTP API: health, readiness, Prometheus metrics, and the per-model table. Never contains code or findings."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from app.clock import parse_since, utc_now
from app.dashboard.access import DashboardAccess
from app.errors import InputError, StoreUnavailable
from app.store.database import Database
from app.store.fixes import load_fix_figures
from app.store.model_calls import ModelStats, load_stats
from app.store.outcomes import OutcomeRate, load_outcomes


class QueueMonitor(Protocol):
    """The state of the engine's queue."""

    async def check(self) -> None:
        """Raise `StoreUnavailable` unless deliveries can be stored."""
        ...

    async def depth(self) -> dict[str, int]:
        """Count unfinished deliveries by state."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The routes `/healthz`, `/readyz`, `/metrics`, and `/api/stats`."""

    database: Database
    engine: QueueMonitor
    registry: CollectorRegistry
    access: DashboardAccess
    clock: Callable[[], datetime] = utc_now

    def router(self) -> APIRouter:
        """Return the routes; metrics and statistics require the token."""
        router = APIRouter()
        router.add_api_route("/healthz", self.healthz)
        router.add_api_route("/readyz", self.readyz)
        token = [Depends(self.admit)]
        router.add_api_route("/metrics", self.metrics, dependencies=token)
        router.add_api_route("/api/stats", self.stats, dependencies=token)
        return router

    def admit(self, request: Request) -> None:
        """Respond with 401 unless the request has access."""
        if not self.access.allows(request):
            raise HTTPException(401, "The token is missing or invalid.", {"WWW-Authenticate": "Bearer"})

    async def healthz(self) -> JSONResponse:
        """Respond with 200 while the process is up."""
        return JSONResponse({"status": "ok"})

    async def readyz(self) -> JSONResponse:
        """Respond with 200 if the database and the engine are ready, otherwise with 503 and the reason."""
        try:
            await self.engine.check()
        except StoreUnavailable as error:
            return JSONResponse({"status": "unavailable", "reason": str(error)}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def metrics(self) -> Response:
        """Return metrics in Prometheus' text format."""
        depth = await self.engine.depth()
        lines = [
            "# HELP quorum_queue_depth Unfinished deliveries.",
            "# TYPE quorum_queue_depth gauge",
            *(f'quorum_queue_depth{{state="{state}"}} {count}' for state, count in depth.items()),
        ]
        body = generate_latest(self.registry).decode() + "\n".join(lines) + "\n"
        return PlainTextResponse(body, media_type=CONTENT_TYPE_LATEST)

    async def stats(self, since: str = "7d") -> JSONResponse:
        """Return the per-model table and outcomes of findings; respond with 400 if the time span is invalid."""
        try:
            span = parse_since(since)
        except InputError as error:
            raise HTTPException(400, str(error)) from error
        value = await asyncio.to_thread(load_stats_value, self.database, self.clock() - span)
        return JSONResponse({"since": since, **value})


def load_stats_value(database: Database, since: datetime) -> dict[str, Any]:
    """Return the per-model table and outcomes of findings as JSON."""
    outcomes = load_outcomes(database, since)
    return {
        "models": [stats_value(row) for row in load_stats(database, since)],
        "outcomes": {by.value: [outcome_value(line) for line in lines] for by, lines in outcomes.items()},
        "fixes": [asdict(line) for line in load_fix_figures(database, since)],
    }


def stats_value(row: ModelStats) -> dict[str, Any]:
    """Convert a line of the per-model table to JSON; latencies in ms, cost in USD of calls with a known price."""
    return {
        "provider": row.provider,
        "model": row.model,
        "calls": row.calls,
        "success_rate": row.success_rate,
        "average_ms": row.average_ms,
        "p50_ms": row.p50_ms,
        "p95_ms": row.p95_ms,
        "input_tokens": row.input_tokens,
        "cached_input_tokens": row.cached_input_tokens,
        "output_tokens": row.output_tokens,
        "cost_usd": row.cost_usd,
        "unpriced_calls": row.unpriced_calls,
        "cache_hits": row.cache_hits,
    }


def outcome_value(line: OutcomeRate) -> dict[str, Any]:
    """Convert the outcomes of a group of findings to JSON; rates are shares of decided findings."""
    return {
        **asdict(line),
        "decided": line.decided,
        "resolution_rate": line.resolution_rate,
        "dismissal_rate": line.dismissal_rate,
        "silence_rate": line.silence_rate,
    }
