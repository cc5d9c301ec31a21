"""The composition root: builds everything once from the settings and passes it on. Contains no review logic."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from app.clock import Clock, SystemClock
from app.domain.configuration import Budget
from app.domain.lookup import LookupRounds
from app.domain.model_call import Provider
from app.domain.step import NoTracer
from app.errors import ConfigurationError
from app.gather import TierThresholds
from app.jobs.notifications import Notifications
from app.llm.build import Cloud, ModelEnvironment, ModelSettings, ModelStores, VendorAccess, build_models
from app.llm.costs import BudgetLimits, Price
from app.llm.router import VendorModels
from app.llm.servers import ServerOptions
from app.pipeline.inputs import Services
from app.prompting.prompts import Prompts
from app.redaction import Redactor
from app.servers import NamedServer
from app.settings import Settings
from app.store.calls import CallTables
from app.store.database import Database
from app.store.processes import DASHBOARD, FENCE, MCP, load_or_create_secret
from app.store.providers import CircuitTable
from app.store.routing import RoutingTable
from app.store.rungs import RungTable
from app.tracing import Traces, open_traces

if TYPE_CHECKING:
    import httpx
    import httpx2


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Replacements for the network and for time, used by tests and the demo; None means the real network.

    `clock` is the model layer's. `github_clock` and `sleep_github` are for GitHub's rate limits. `second_s` scales the
    delays of queued jobs.
    """

    github: "httpx.AsyncBaseTransport | None" = None
    models: "httpx2.AsyncClient | None" = None
    notifications: "httpx.AsyncBaseTransport | None" = None
    clock: Clock = field(default_factory=SystemClock)
    github_clock: Callable[[], float] = time.time
    sleep_github: Callable[[float], Awaitable[None]] = asyncio.sleep
    second_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What the composition root built; `close` it at the end."""

    settings: Settings
    database: Database
    services: Services
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    notifications: Notifications = field(default_factory=Notifications)
    traces: Traces | None = None

    async def close(self) -> None:
        """Close the connections."""
        await self.services.models.aclose()
        if self.traces:
            await asyncio.to_thread(self.traces.close)
        self.database.close()


def build_program(settings: Settings, *, network: Network | None = None) -> Program:
    """Build what every entry point needs, on one database.

    Raises:
        ConfigurationError, StoreUnavailable: the settings or the database cannot be used.
    """
    network = network or Network()
    registry = CollectorRegistry()
    database = Database(settings.database_url)
    secret = load_or_create_secret(database, FENCE)
    notifications = Notifications()
    traces = open_traces(os.environ)
    tracer = traces or NoTracer()
    services = Services(
        models=build_models(
            _model_settings(settings),
            ModelEnvironment(
                stores=_model_stores(database),
                registry=registry,
                clock=network.clock,
                http_client=network.models,
                notify=notifications.notify,
                tracer=tracer,
            ),
        ),
        prompts=Prompts(),
        redactor=Redactor([*_own_secrets(settings), secret, *_generated_tokens(settings, database)]),
        secret=secret.encode(),
        thresholds=TierThresholds(
            trivial_max_lines=settings.quorum_trivial_max_lines,
            lite_max_lines=settings.quorum_lite_max_lines,
            full_min_files=settings.quorum_full_min_files,
        ),
        stage_deadline_s=settings.quorum_stage_deadline_s,
        finders=settings.quorum_finders,
        lookup_rounds=LookupRounds(
            finder=settings.quorum_finder_lookups, verifier=settings.quorum_verifier_lookups
        ),
        chunk_tokens=settings.quorum_chunk_tokens,
        budget=Budget(
            review_usd=settings.quorum_budget_review_usd,
            pull_request_day_usd=settings.quorum_budget_pull_request_day_usd,
            repository_month_usd=settings.quorum_budget_repository_month_usd,
        ),
        tracer=tracer,
    )
    return Program(
        settings=settings,
        database=database,
        services=services,
        registry=registry,
        notifications=notifications,
        traces=traces,
    )


def operator_limits(settings: Settings) -> BudgetLimits:
    """Return the operator's spending limits."""
    return BudgetLimits(
        review_usd=settings.quorum_budget_review_usd,
        pull_request_day_usd=settings.quorum_budget_pull_request_day_usd,
        repository_month_usd=settings.quorum_budget_repository_month_usd,
        installation_month_usd=settings.quorum_budget_installation_month_usd,
    )


def _model_settings(settings: Settings) -> ModelSettings:
    return ModelSettings(
        access=provider_access(settings, os.environ),
        limits=operator_limits(settings),
        call_timeout_s=settings.quorum_call_timeout_s,
        cache_ttl_s=settings.quorum_cache_ttl_s,
        calls_at_once=settings.quorum_calls_at_once,
    )


def _model_stores(database: Database) -> ModelStores:
    return ModelStores(
        calls=CallTables(database),
        records=RoutingTable(database),
        circuits=CircuitTable(database),
        rungs=RungTable(database),
    )


def provider_access(settings: Settings, environ: Mapping[str, str]) -> dict[Provider, VendorAccess]:
    """Return how to reach each provider: with the vendor's own key, the cloud whose variables are set, or a named server.

    Raises:
        ConfigurationError: the file of servers cannot be used.
    """
    return {
        Provider.CLAUDE: VendorAccess(
            models=VendorModels(large=settings.quorum_claude_model, small=settings.quorum_claude_small_model),
            api_key=_value(settings.anthropic_api_key),
            base_url=settings.anthropic_base_url,
            cloud=_cloud(Cloud.BEDROCK, environ, instead_of=settings.anthropic_api_key),
        ),
        Provider.GPT: VendorAccess(
            models=VendorModels(large=settings.quorum_gpt_model, small=settings.quorum_gpt_small_model),
            api_key=_value(settings.openai_api_key),
            base_url=settings.openai_base_url,
            cloud=_cloud(Cloud.AZURE, environ, instead_of=settings.openai_api_key),
        ),
        Provider.GEMINI: VendorAccess(
            models=VendorModels(large=settings.quorum_gemini_model, small=settings.quorum_gemini_small_model),
            api_key=_value(settings.gemini_api_key),
            base_url=settings.google_gemini_base_url,
            api_version=settings.google_genai_api_version,
            cloud=_cloud(Cloud.VERTEX, environ, instead_of=settings.gemini_api_key),
        ),
        _local(settings): VendorAccess(
            models=VendorModels(
                large=settings.quorum_local_model or "local", small=settings.quorum_local_model or "local"
            ),
            api_key=_value(settings.quorum_local_api_key),
            base_url=settings.quorum_local_base_url,
        ),
        **{server.provider: _server_access(server) for server in settings.servers()},
    }


def _local(settings: Settings) -> Provider:
    vendor = settings.quorum_local_vendor
    return Provider(f"{vendor}@{Provider.LOCAL}") if vendor else Provider.LOCAL


def _server_access(server: NamedServer) -> VendorAccess:
    large, small = server.models
    prices = server.prices
    return VendorAccess(
        models=VendorModels(large=large, small=small),
        api_key=_value(server.api_key),
        base_url=server.base_url,
        server=ServerOptions(
            price=Price(model=large, input=prices.input, cached=prices.cached_input, output=prices.output)
            if prices
            else None,
            context_tokens=server.context_tokens,
            calls_at_once=server.calls_at_once,
            is_streamed=server.stream,
            api_key_header=server.api_key_header,
            query=server.query,
            body=server.body,
        ),
    )


_CLOUD_VARIABLES = {  # as the SDKs read them
    Cloud.BEDROCK: ("AWS_BEARER_TOKEN_BEDROCK",),
    Cloud.AZURE: ("AZURE_OPENAI_ENDPOINT",),
    Cloud.VERTEX: ("GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE"),
}
_OFF = ("", "0", "false")


def _cloud(cloud: Cloud, environ: Mapping[str, str], *, instead_of: SecretStr | None) -> Cloud | None:
    """Return the cloud if its variables are set and there is no key: cloud variables are often for other programs."""
    if _value(instead_of):
        return None
    values = (environ.get(name, "").lower() for name in _CLOUD_VARIABLES[cloud])
    return cloud if any(value not in _OFF for value in values) else None


def _value(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _own_secrets(settings: Settings) -> list[str]:
    """Return every secret of the operator, for the redactor."""
    fields = [getattr(settings, name) for name in type(settings).model_fields]
    secrets = [value.get_secret_value() for value in fields if isinstance(value, SecretStr)]
    with suppress(ConfigurationError):  # the code that needs the key reports an unreadable file
        secrets.append(settings.private_key() or "")
    secrets += [_value(server.api_key) or "" for server in settings.servers()]
    return secrets


def _generated_tokens(settings: Settings, database: Database) -> list[str]:
    """Return the tokens of the dashboard and `/mcp` that Quorum generates, now, so that every process can redact them."""
    configured = {DASHBOARD: settings.quorum_dashboard_token, MCP: settings.quorum_mcp_token}
    return [load_or_create_secret(database, name) for name, token in configured.items() if token is None]
