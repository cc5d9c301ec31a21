"""What machines read: health, readiness, Prometheus metrics and the per-model table. Never shows code or findings."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from app.clock import parse_since, utc_now
from app.dashboard.access import Access
from app.errors import InputError, StoreUnavailable
from app.store.database import Database
from app.store.model_calls import ModelStats, load_stats
from app.store.outcomes import OutcomeRate, load_outcomes


class Queue(Protocol):
    """What is asked of the engine."""

    async def check(self) -> None:
        """Raise `StoreUnavailable` unless deliveries can be stored."""
        ...

    async def depth(self) -> dict[str, int]:
        """State → number of unfinished deliveries."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The routes `/healthz`, `/readyz`, `/metrics` and `/api/stats`."""

    database: Database
    engine: Queue
    registry: CollectorRegistry
    access: Access
    clock: Callable[[], datetime] = utc_now

    def router(self) -> APIRouter:
        """The routes; the last two want the token."""
        router = APIRouter()
        router.add_api_route("/healthz", self.healthz)
        router.add_api_route("/readyz", self.readyz)
        token = [Depends(self.admit)]
        router.add_api_route("/metrics", self.metrics, dependencies=token)
        router.add_api_route("/api/stats", self.stats, dependencies=token)
        return router

    def admit(self, request: Request) -> None:
        """401 unless the request may see figures."""
        if not self.access.allows(request):
            raise HTTPException(401, "The token is missing or wrong.", {"WWW-Authenticate": "Bearer"})

    async def healthz(self) -> JSONResponse:
        """The process is up."""
        return JSONResponse({"status": "ok"})

    async def readyz(self) -> JSONResponse:
        """Database and engine are ready, or 503 and why not."""
        try:
            await self.engine.check()
        except StoreUnavailable as error:
            return JSONResponse({"status": "unavailable", "reason": str(error)}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def metrics(self) -> Response:
        """Prometheus' text format."""
        depth = await self.engine.depth()
        lines = [
            "# HELP quorum_queue_depth Deliveries that are not finished.",
            "# TYPE quorum_queue_depth gauge",
            *(f'quorum_queue_depth{{state="{state}"}} {count}' for state, count in depth.items()),
        ]
        body = generate_latest(self.registry).decode() + "\n".join(lines) + "\n"
        return PlainTextResponse(body, media_type=CONTENT_TYPE_LATEST)

    async def stats(self, since: str = "7d") -> JSONResponse:
        """The per-model table and what became of findings; 400 for a span that is none."""
        try:
            span = parse_since(since)
        except InputError as error:
            raise HTTPException(400, str(error)) from error
        value = await asyncio.to_thread(load_stats_value, self.database, self.clock() - span)
        return JSONResponse({"since": since, **value})


def load_stats_value(database: Database, since: datetime) -> dict[str, Any]:
    """The per-model table and what became of findings, as JSON."""
    outcomes = load_outcomes(database, since)
    return {
        "models": [stats_value(row) for row in load_stats(database, since)],
        "outcomes": {by.value: [outcome_value(line) for line in lines] for by, lines in outcomes.items()},
    }


def stats_value(row: ModelStats) -> dict[str, Any]:
    """One line of the per-model table as JSON; latencies in ms, cost in USD of the calls whose price is known."""
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
    """What became of the findings of one provider, model, stage, rule or repository; rates are of the decided ones."""
    return {
        **asdict(line),
        "decided": line.decided,
        "resolution_rate": line.resolution_rate,
        "dismissal_rate": line.dismissal_rate,
        "silence_rate": line.silence_rate,
    }
