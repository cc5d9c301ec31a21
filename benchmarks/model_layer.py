"""The model layer against fake vendors: its CPU time per call, attempts when a vendor is down, re-review, shared prefixes.

    python -m benchmarks.model_layer

It never uses the network: the real SDKs talk to the fake vendors in this process.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from app.domain.model_call import Provider
from app.llm.build import ModelEnvironment, ModelSettings, ModelStores, build_client, build_models
from app.llm.client import CallScope, ModelRequest, RoutingRequest
from app.llm.models import Models
from app.store.calls import CallTables
from app.store.database import Database
from app.store.providers import CircuitTable
from benchmarks.figures import Figure, print_figures
from tests.fakes.vendors import MODELS, FakeVendors, Fault

SCHEMA = {
    "type": "object",
    "properties": {"findings": {"type": "array", "items": {"type": "string"}}},
    "required": ["findings"],
    "additionalProperties": False,
}
MATERIAL = (
    "def total(items: list[Item]) -> Decimal:\n    return sum(item.price for item in items)\n" * 450
)  # 10k tokens
CALLS = 200
ROUNDS = 5


def main() -> None:
    """Measure and print."""
    logging.disable(logging.CRITICAL)
    print_figures(asyncio.run(_measure()))


async def _measure() -> list[Figure]:
    return [
        *await _own_cpu(),
        await _first_vendor_down(),
        await _unchanged_review(),
        await _shared_prefix(),
    ]


def _request(question: str, *, material: str = MATERIAL) -> ModelRequest:
    return ModelRequest(
        model=MODELS[Provider.CLAUDE].large,
        system="You review code.",
        material=material,
        question=question,
        schema=SCHEMA,
        prompt_id="benchmark",
        prompt_version="1",
        prefix_reused=True,
        cache_scope="benchmark",
    )


async def _own_cpu() -> list[Figure]:
    """CPU time of a call through the layer, minus that of the adapter alone with the same request."""
    vendors = FakeVendors()
    bare = build_client(Provider.CLAUDE, vendors.access()[Provider.CLAUDE], vendors.http_client())

    async def call_bare(number: int) -> None:
        await bare.generate(_request(f"{number}"))

    with TemporaryDirectory() as directory:
        database = Database(f"sqlite:///{Path(directory) / 'quorum.db'}")
        layers = {
            "in memory": ModelStores(),
            "with SQLite": ModelStores(calls=CallTables(database), circuits=CircuitTable(database)),
        }
        figures: list[Figure] = []
        for name, stores in layers.items():
            models = build_models(
                ModelSettings(access=vendors.access(Provider.CLAUDE)),
                ModelEnvironment(stores=stores, http_client=vendors.http_client()),
            )
            own_ms = await _difference_ms(_asking(models, name), call_bare, vendors)
            figures.append(
                Figure(
                    name=f"own CPU a call above the bare SDK, {name}",
                    measured=f"{own_ms:.2f} ms",
                    target="≤ 2 ms",
                    reached=own_ms <= 2.0,
                )
            )
        database.close()
    return figures


def _asking(models: Models, stage: str) -> Callable[[int], Awaitable[None]]:
    async def ask(number: int) -> None:
        scope = CallScope(
            installation_id=1, repository="o/r", pull_request=number, review_id="r", stage=stage
        )
        await models.ask(
            RoutingRequest(kind="review"), _request(f"{number}"), scope=scope, parse=lambda value: value
        )

    return ask


async def _difference_ms(
    layer: Callable[[int], Awaitable[None]], bare: Callable[[int], Awaitable[None]], vendors: FakeVendors
) -> float:
    """The median over alternating rounds, so that noise affects both."""
    for warm_up in (layer, bare):
        await warm_up(-1)
    differences: list[float] = []
    for number in range(ROUNDS):
        spent_ms: list[float] = []
        for call in (layer, bare):
            started_s = time.process_time()
            for index in range(CALLS):
                await call(number * CALLS + index)
            spent_ms.append((time.process_time() - started_s) * 1_000 / CALLS)
            vendors.forget()
        differences.append(spent_ms[0] - spent_ms[1])
    return median(differences)


async def _first_vendor_down() -> Figure:
    vendors = FakeVendors()
    vendors.fail(Provider.CLAUDE, Fault.OVERLOADED)
    vendors.delay_s = dict.fromkeys((Provider.CLAUDE, Provider.GPT), 0.05)
    models = build_models(
        ModelSettings(access=vendors.access(), cache_ttl_s=0.0),
        ModelEnvironment(http_client=vendors.http_client()),
    )
    ask = _asking(models, "review")
    await ask(0)  # imports the SDKs
    vendors.forget()
    started_s = time.perf_counter()
    await ask(1)
    took_s = time.perf_counter() - started_s
    attempts = len(vendors.requests)
    for number in range(2, 12):
        await ask(number)
    failed = len(vendors.requests_to(Provider.CLAUDE))
    return Figure(
        name="attempts until an answer with the first vendor down",
        measured=f"{attempts} in {took_s:.2f} s; {failed} failed in 11 reviews",
        target="1 failed + 1 good, ≤ 1 s lost; later skipped",
        reached=attempts == 2 and took_s <= 1.1 and failed <= 3,
    )


async def _unchanged_review() -> Figure:
    vendors = FakeVendors()
    models = build_models(
        ModelSettings(access=vendors.access()), ModelEnvironment(http_client=vendors.http_client())
    )
    stages = ("review", "security", "docs", "verify")

    async def review() -> int:
        vendors.forget()
        for stage in stages:
            await models.ask(
                RoutingRequest(kind=stage),
                _request(stage),
                scope=CallScope(
                    installation_id=1, repository="o/r", pull_request=1, review_id="r", stage=stage
                ),
                parse=lambda value: value,
            )
        return len(vendors.requests)

    first, again = await review(), await review()
    return Figure(
        name="calls of an unchanged re-review",
        measured=f"{again} (first: {first})",
        target="0",
        reached=again == 0 and first == len(stages),
    )


async def _shared_prefix() -> Figure:
    """The share of tokens repeated by a second request to the same vendor that its cache serves."""
    shares: list[float] = []
    for provider in (Provider.CLAUDE, Provider.GPT, Provider.GEMINI):
        vendors = FakeVendors()
        models = build_models(
            ModelSettings(access=vendors.access(provider)),
            ModelEnvironment(http_client=vendors.http_client()),
        )
        scope = CallScope(installation_id=1, repository="o/r", review_id="r", stage="review")
        usages = [
            (
                await models.ask(
                    RoutingRequest(kind="review"), _request(question), scope=scope, parse=lambda value: value
                )
            ).response.usage
            for question in ("Review the change.", "Judge the claims below.")
        ]
        shares.append(usages[1].cached_input_tokens / usages[0].input_tokens)
    return Figure(
        name="share of repeated prompt tokens that vendors' caches serve",
        measured=" ".join(f"{share:.0%}" for share in shares) + " (claude gpt gemini)",
        target="≥ 70 %",
        reached=min(shares) >= 0.7,
    )


if __name__ == "__main__":
    main()
