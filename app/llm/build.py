"""Assembles the model layer from plain values. Reads no settings and no environment variables; the SDKs load later."""

from collections.abc import Callable, Mapping
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
from app.llm.attempt import Attempts
from app.llm.calls import AnswerCache, CallStore, MemoryCalls
from app.llm.circuits import Circuits
from app.llm.client import ModelClient
from app.llm.costs import BudgetLimits, Budgets, Prices
from app.llm.fallback import Fallback
from app.llm.gemini import GeminiClient
from app.llm.ladder import Rungs, RungStore
from app.llm.learned import LearnedOrder, RecordStore
from app.llm.local import LocalClient
from app.llm.models import ModelComponents, Models
from app.llm.openai import OpenAIClient
from app.llm.recorder import Recorder
from app.llm.router import Router, TokenEstimator, VendorModels
from app.llm.servers import ServerOptions
from app.llm.shared_circuits import CircuitStore, SharedCircuits
from app.llm.slots import CALLS_AT_ONCE, Slots
from app.llm.speeds import Speeds

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
    api_version: str | None = None  # Gemini only
    cloud: Cloud | None = None
    server: ServerOptions | None = None  # None for `local` and the vendors' own APIs

    def is_usable(self, provider: Provider) -> bool:
        """Whether there is a key or a cloud; for a server, an address."""
        return bool(self.base_url if provider.is_server else self.api_key or self.cloud)

    @property
    def digest(self) -> str:
        """Distinguishes keys and addresses; too short to reveal a key."""
        return sha256(repr((self.api_key, self.base_url, self.cloud)).encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """What the operator configures."""

    access: Mapping[Provider, VendorAccess] = field(default_factory=dict[Provider, VendorAccess])
    limits: BudgetLimits = field(default_factory=BudgetLimits)
    call_timeout_s: float | None = None  # None: from the tokens allowed and the speed seen
    cache_ttl_s: float = 604_800.0
    calls_at_once: int = CALLS_AT_ONCE  # to one provider


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStores:
    """The stores for what must survive a restart; by default, nothing does."""

    calls: CallStore = field(default_factory=MemoryCalls)
    records: RecordStore | None = None  # None: `routing: learned` orders like `fixed`
    circuits: CircuitStore | None = None  # None: circuits are not shared with other processes
    rungs: RungStore | None = None  # None: rungs are not shared with other processes


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEnvironment:
    """The dependencies of the model layer.

    `http_client` replaces the network in tests. `wrap` wraps each vendor's client, for example in a recorder. `notify`
    receives exhausted budgets, and `tracer` records every request.
    """

    stores: ModelStores = field(default_factory=ModelStores)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    clock: Clock = field(default_factory=SystemClock)
    rng: Random = field(default_factory=Random)  # jitter and sampling
    http_client: "httpx2.AsyncClient | None" = None
    wrap: Callable[[ModelClient], ModelClient] | None = None
    notify: Notify = drop_notification
    tracer: Tracer | None = None


def build_models(settings: ModelSettings, environment: ModelEnvironment | None = None) -> Models:
    """Assemble all usable providers; `is_keyless` if there are none."""
    environment = environment or ModelEnvironment()
    stores, clock, rng = environment.stores, environment.clock, environment.rng
    usable = {provider: each for provider, each in settings.access.items() if each.is_usable(provider)}
    clients = _build_clients(usable, environment)
    models = {provider: each.models for provider, each in usable.items()}
    prices = build_prices(usable)
    tokens, circuits = TokenEstimator(), Circuits(clock)
    digests = {provider: each.digest for provider, each in usable.items()}
    shared_circuits = SharedCircuits(circuits, store=stores.circuits, access=digests, clock=clock)
    rungs = Rungs(store=stores.rungs, access=digests, clock=clock)
    learned = LearnedOrder(store=stores.records, clock=clock, rng=rng) if stores.records else None
    cache = AnswerCache(store=stores.calls, clock=clock, ttl_s=settings.cache_ttl_s)
    recorder = Recorder(store=stores.calls, registry=environment.registry, tracer=environment.tracer)
    attempts = Attempts(
        clients=clients,
        cache=cache,
        budgets=Budgets(limits=settings.limits, store=stores.calls, clock=clock, notify=environment.notify),
        prices=prices,
        tokens=tokens,
        recorder=recorder,
        slots=Slots(limits=_slots(usable, settings.calls_at_once), store=stores.calls, clock=clock),
        clock=clock,
    )
    return Models(
        ModelComponents(
            clients=clients,
            models=models,
            router=Router(models=models, prices=prices, tokens=tokens, circuits=circuits, learned=learned),
            learned=learned,
            cache=cache,
            attempts=attempts,
            fallback=Fallback(
                attempts=attempts,
                circuits=shared_circuits,
                rungs=rungs,
                clock=clock,
                rng=rng,
                speeds=Speeds(limit_s=settings.call_timeout_s),
            ),
            circuits=shared_circuits,
            rungs=rungs,
            recorder=recorder,
            clock=clock,
        )
    )


def _build_clients(
    usable: Mapping[Provider, VendorAccess], environment: ModelEnvironment
) -> dict[Provider, ModelClient]:
    clients = {
        provider: build_client(provider, each, environment.http_client) for provider, each in usable.items()
    }
    if environment.wrap is None:
        return clients
    return {provider: environment.wrap(client) for provider, client in clients.items()}


def build_prices(access: Mapping[Provider, VendorAccess]) -> Prices:
    """Build the prices: by the cloud's list, or as the operator states them for a server."""
    servers = {provider: each.server for provider, each in access.items() if each.server}
    return Prices(
        lists={provider: _PRICE_LIST[each.cloud] for provider, each in access.items() if each.cloud},
        own={provider: options.price for provider, options in servers.items()},
        windows={provider: options.context_tokens for provider, options in servers.items()},
    )


def _slots(access: Mapping[Provider, VendorAccess], calls_at_once: int) -> dict[Provider, int]:
    """Return the slots of each provider."""
    return {provider: _calls_at_once(provider, each, calls_at_once) for provider, each in access.items()}


def _calls_at_once(provider: Provider, access: VendorAccess, usual: int) -> int:
    """Return how many calls run at a time: `local` gets one, because shared calls are slower."""
    if access.server:
        return access.server.calls_at_once or usual
    return 1 if provider.is_server else usual


def build_client(
    provider: Provider, access: VendorAccess, http_client: "httpx2.AsyncClient | None" = None
) -> ModelClient:
    """Build the client of one provider."""
    match provider.api:
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
                provider=provider,
                base_url=access.base_url or "",
                api_key=access.api_key,
                options=access.server or ServerOptions(calls_at_once=1),
                http_client=http_client,
            )
        case _:
            raise ValueError("analyzers are not a model")
