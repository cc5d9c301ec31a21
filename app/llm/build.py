"""Puts the model layer together from plain values. Reads no settings and no environment; the SDKs are opened later."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from random import Random
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from app.clock import Clock, SystemClock
from app.domain.model_call import Provider
from app.domain.notification import Notify, drop_notification
from app.domain.step import Tracer
from app.llm.anthropic import AnthropicClient
from app.llm.attempt import MOST_AT_ONCE, Attempts, Slots
from app.llm.calls import AnswerCache, CallStore, MemoryCalls
from app.llm.circuits import Circuits
from app.llm.client import ModelClient
from app.llm.costs import BudgetLimits, Budgets, Prices
from app.llm.fallback import Fallback
from app.llm.gemini import GeminiClient
from app.llm.learned import LearnedOrder, RecordStore
from app.llm.local import LocalClient
from app.llm.models import ModelComponents, Models
from app.llm.openai import OpenAIClient
from app.llm.recorder import Recorder
from app.llm.router import Router, TokenEstimator, VendorModels
from app.llm.shared_circuits import CircuitStore, SharedCircuits

if TYPE_CHECKING:
    import httpx2


class Cloud(StrEnum):
    """A cloud that serves a vendor's models; the vendor's SDK reads the cloud's own variables."""

    BEDROCK = "bedrock"  # Claude: AWS_REGION, AWS_BEARER_TOKEN_BEDROCK or AWS credentials
    AZURE = "azure"  # GPT: AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_API_KEY, OPENAI_API_VERSION
    VERTEX = "vertex"  # Gemini: GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_LOCATION


_PRICE_LIST = {Cloud.BEDROCK: "aws", Cloud.AZURE: "azure", Cloud.VERTEX: "google"}


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorAccess:
    """How to reach one provider, and its models."""

    models: VendorModels
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    api_version: str | None = None  # Gemini alone
    cloud: Cloud | None = None

    def is_usable(self, provider: Provider) -> bool:
        """A key, a cloud, or for the local server an address."""
        return bool(self.base_url if provider is Provider.LOCAL else self.api_key or self.cloud)

    @property
    def digest(self) -> str:
        """Tells keys and addresses apart; too short to find out a key by."""
        return sha256(repr((self.api_key, self.base_url, self.cloud)).encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStores:
    """Where the model layer keeps what must outlive the process; by default nothing does."""

    calls: CallStore = field(default_factory=MemoryCalls)
    records: RecordStore | None = None  # None: `routing: learned` orders as `fixed`
    circuits: CircuitStore | None = None  # None: no other process is told who is out


def build_models(
    access: Mapping[Provider, VendorAccess],
    *,
    stores: ModelStores | None = None,
    limits: BudgetLimits | None = None,
    registry: CollectorRegistry | None = None,
    call_timeout_s: float = 240.0,
    cache_ttl_s: float = 604_800.0,
    clock: Clock | None = None,
    rng: Random | None = None,
    http_client: "httpx2.AsyncClient | None" = None,
    wrap: Callable[[ModelClient], ModelClient] | None = None,
    most_at_once: int = MOST_AT_ONCE,
    tell: Notify = drop_notification,
    tracer: Tracer | None = None,
) -> Models:
    """All usable providers as one; without any, `is_keyless`.

    `http_client` stands in for the network in tests; `wrap` puts something before each vendor, such as a recorder. `tell` hears of
    budgets that have no room, `tracer` of every request.
    """
    clock, stores = clock or SystemClock(), stores or ModelStores()
    usable = {provider: each for provider, each in access.items() if each.is_usable(provider)}
    clients = {provider: build_client(provider, each, http_client) for provider, each in usable.items()}
    if wrap is not None:
        clients = {provider: wrap(client) for provider, client in clients.items()}
    models = {provider: each.models for provider, each in usable.items()}
    prices = Prices(
        lists={provider: _PRICE_LIST[each.cloud] for provider, each in usable.items() if each.cloud}
    )
    rng = rng or Random()  # noqa: S311 - jitter and sampling
    tokens, circuits = TokenEstimator(), Circuits(clock)
    shared_circuits = SharedCircuits(
        circuits,
        store=stores.circuits,
        access={provider: each.digest for provider, each in usable.items()},
        clock=clock,
    )
    learned = LearnedOrder(store=stores.records, clock=clock, rng=rng) if stores.records else None
    router = Router(models=models, prices=prices, tokens=tokens, circuits=circuits, learned=learned)
    fallback = Fallback(circuits=shared_circuits, clock=clock, rng=rng, call_timeout_s=call_timeout_s)
    cache = AnswerCache(store=stores.calls, clock=clock, ttl_s=cache_ttl_s)
    recorder = Recorder(store=stores.calls, registry=registry or CollectorRegistry(), tracer=tracer)
    attempts = Attempts(
        clients=clients,
        cache=cache,
        budgets=Budgets(limits=limits or BudgetLimits(), store=stores.calls, clock=clock, tell=tell),
        prices=prices,
        tokens=tokens,
        recorder=recorder,
        slots=Slots(limits=_limits(clients, most_at_once), store=stores.calls, clock=clock),
        clock=clock,
    )
    return Models(
        ModelComponents(
            clients=clients,
            models=models,
            router=router,
            learned=learned,
            cache=cache,
            fallback=fallback,
            attempts=attempts,
            circuits=shared_circuits,
            recorder=recorder,
            clock=clock,
        )
    )


def _limits(providers: Iterable[Provider], most_at_once: int) -> dict[Provider, int]:
    """A local server answers slower when calls share it."""
    return {provider: 1 if provider is Provider.LOCAL else most_at_once for provider in providers}


def build_client(
    provider: Provider, access: VendorAccess, http_client: "httpx2.AsyncClient | None" = None
) -> ModelClient:
    """One provider's client."""
    match provider:
        case Provider.CLAUDE:
            return AnthropicClient(
                api_key=access.api_key,
                base_url=access.base_url,
                bedrock=access.cloud is Cloud.BEDROCK,
                http_client=http_client,
            )
        case Provider.GPT:
            return OpenAIClient(
                api_key=access.api_key,
                base_url=access.base_url,
                azure=access.cloud is Cloud.AZURE,
                http_client=http_client,
            )
        case Provider.GEMINI:
            return GeminiClient(
                api_key=access.api_key,
                base_url=access.base_url,
                api_version=access.api_version,
                vertex=access.cloud is Cloud.VERTEX,
                http_client=http_client,
            )
        case Provider.LOCAL:
            return LocalClient(
                base_url=access.base_url or "", api_key=access.api_key, http_client=http_client
            )
        case Provider.ANALYZERS:
            raise ValueError("the analysers are no model")
