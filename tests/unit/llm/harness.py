"""Shared by the tests of the model layer: a manual clock, a request, and models over the fake vendors."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, cast

import httpx2

from app.domain.model_call import ModelCall, Outcome, Provider, Usage
from app.errors import ModelInvalidOutput
from app.llm.build import ModelEnvironment, ModelSettings, ModelStores, VendorAccess, build_models
from app.llm.calls import MemoryCalls
from app.llm.client import CallScope, Completion, ModelRequest, RoutingRequest
from app.llm.costs import BudgetLimits
from app.llm.ladder import RungStore
from app.llm.models import Models
from app.llm.shared_circuits import CircuitStore
from tests.fakes.vendors import FakeVendors

SCHEMA = {
    "type": "object",
    "properties": {"findings": {"type": "array", "items": {"type": "string"}}},
    "required": ["findings"],
    "additionalProperties": False,
}
SCOPE = CallScope(installation_id=7, repository="octo/shop", pull_request=3, review_id="r1", stage="review")
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

CALL = ModelCall(
    id="c1",
    review_id="r1",
    installation_id=7,
    repository="octo/shop",
    pull_request=3,
    stage="review",
    provider=Provider.CLAUDE,
    model="claude-sonnet-5-5",
    prompt_id="review/user",
    prompt_version="3",
    attempt=1,
    parent_id=None,
    outcome=Outcome.OK,
    latency_ms=100,
    usage=Usage(input_tokens=1_000, cached_input_tokens=400, output_tokens=50),
    cost_usd=0.01,
    started_at=START,
)


class ManualClock:
    """Time that passes only through `sleep` and `pass_s`."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self.slept: list[float] = []

    def monotonic_s(self) -> float:
        return 1_000.0 + self.elapsed_s

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed_s)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed_s += seconds
        await asyncio.sleep(0)

    def pass_s(self, seconds: float) -> None:
        self.elapsed_s += seconds


def request(**changes: Any) -> ModelRequest:
    fields: dict[str, Any] = {
        "model": "",
        "system": "You review code.",
        "material": "the diff",
        "question": "What is wrong?",
        "schema": SCHEMA,
        "prompt_id": "review/user",
        "prompt_version": "3",
        "max_output_tokens": 1_000,
    }
    return ModelRequest(**{**fields, **changes})


def parse(value: Any) -> list[str]:
    """Parse answers to the test schema strictly."""
    if not isinstance(value, dict) or "findings" not in value:
        raise ModelInvalidOutput("findings: Field required")
    return cast("list[str]", value["findings"])


class LlmHarness:
    """Models over the fake vendors, with all parts accessible."""

    def __init__(
        self,
        *providers: Provider,
        limits: BudgetLimits | None = None,
        cache_ttl_s: float = 3_600.0,
        call_timeout_s: float = 240.0,
        vendors: FakeVendors | None = None,
        access: Callable[[FakeVendors], dict[Provider, VendorAccess]] | None = None,
        calls: MemoryCalls | None = None,
        calls_at_once: int = 32,
        circuits: CircuitStore | None = None,
        rungs: RungStore | None = None,
        clock: ManualClock | None = None,
        http_client: httpx2.AsyncClient | None = None,
    ) -> None:
        self.vendors = vendors or FakeVendors()
        self.clock = clock or ManualClock()
        self.calls = calls or MemoryCalls()
        self.models: Models = build_models(
            ModelSettings(
                access=access(self.vendors) if access else self.vendors.access(*providers),
                limits=limits or BudgetLimits(),
                cache_ttl_s=cache_ttl_s,
                call_timeout_s=call_timeout_s,
                calls_at_once=calls_at_once,
            ),
            ModelEnvironment(
                stores=ModelStores(calls=self.calls, circuits=circuits, rungs=rungs),
                clock=self.clock,
                rng=Random(0),
                http_client=http_client or self.vendors.http_client(),
            ),
        )

    @property
    def rows(self) -> list[ModelCall]:
        return self.calls.calls

    @property
    def outcomes(self) -> list[str]:
        return [f"{row.provider}: {row.outcome}" for row in self.rows]

    async def ask(
        self,
        kind: str = "review",
        *,
        scope: CallScope = SCOPE,
        allowed: tuple[Provider, ...] | None = None,
        exclude: tuple[Provider, ...] = (),
        deadline_s: float = 600.0,
        tier: str = "full",
        parent_id: str | None = None,
        can_split: bool = False,
        **changes: Any,
    ) -> Completion[list[str]]:
        task = RoutingRequest(
            kind=kind,
            allowed=allowed,
            exclude=exclude,
            deadline_s=deadline_s,
            tier=tier,
            can_split=can_split,
        )
        return await self.models.ask(task, request(**changes), scope=scope, parse=parse, parent_id=parent_id)
