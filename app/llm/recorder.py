"""Records every attempt: a row, a log line, a span and Prometheus metrics. Never writes content or secrets.

Names follow the OpenTelemetry GenAI conventions if they define one.
https://github.com/open-telemetry/semantic-conventions-genai
"""

import logging

from prometheus_client import CollectorRegistry, Counter, Histogram

from app.domain.model_call import CallEntry, ModelCall, Outcome, Provider
from app.domain.review import UsageTotal
from app.domain.step import Attributes, NoTracer, Tracer
from app.llm.calls import NEVER_SENT, CallStore

log = logging.getLogger("quorum.llm")

_SYSTEM = {Provider.CLAUDE: "anthropic", Provider.GPT: "openai", Provider.GEMINI: "gcp.gemini"}
_SECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320)


def _system(provider: Provider) -> str:
    """Return the conventions' name of a provider; a server has the operator's name."""
    return _SYSTEM.get(provider, provider.server)


class Metrics:
    """The model layer's Prometheus metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("gen_ai_provider_name", "gen_ai_request_model", "stage")
        self._calls = Counter(
            "quorum_model_calls",
            "Attempts, cache hits and refusals by a budget.",
            (*labels, "outcome"),
            registry=registry,
        )
        self._tokens = Counter(
            "gen_ai_client_token_usage",
            "Tokens by type: input (cached ones included), cached_input, output.",
            (*labels, "gen_ai_token_type"),
            registry=registry,
        )
        self._cost = Counter(
            "quorum_model_cost_usd", "Cost of the calls whose price is known.", labels, registry=registry
        )
        self._unpriced = Counter(
            "quorum_model_unpriced_calls", "Calls whose price is unknown.", labels, registry=registry
        )
        self._seconds = Histogram(
            "gen_ai_client_operation_duration_seconds",
            "Duration of the attempts.",
            labels,
            buckets=_SECONDS,
            registry=registry,
        )

    def count(self, call: ModelCall) -> None:
        """Count a call."""
        labels = (_system(call.provider), call.model, call.stage)
        self._calls.labels(*labels, call.outcome.value).inc()
        if call.outcome in NEVER_SENT:
            return
        self._seconds.labels(*labels).observe(call.latency_ms / 1_000)
        for kind, tokens in (
            ("input", call.usage.input_tokens),
            ("cached_input", call.usage.cached_input_tokens),
            ("output", call.usage.output_tokens),
        ):
            self._tokens.labels(*labels, kind).inc(tokens)
        if call.cost_usd is None:
            self._unpriced.labels(*labels).inc()
        else:
            self._cost.labels(*labels).inc(call.cost_usd)


class Recorder:
    """Writes one row, one log line, the metrics and one span for each attempt."""

    def __init__(
        self, *, store: CallStore, registry: CollectorRegistry, tracer: Tracer | None = None
    ) -> None:
        self._store = store
        self._tracer = tracer or NoTracer()
        self._metrics = Metrics(registry)

    async def record(self, entry: CallEntry) -> None:
        """Record an attempt, a cache hit or a refusal by a budget."""
        call = entry.call
        self._metrics.count(call)
        level = _LEVEL.get(call.outcome, logging.WARNING)
        if log.isEnabledFor(level):
            log.log(level, "model call", extra=log_fields(call))
        if call.outcome not in NEVER_SENT:
            self._tracer.record_call(
                f"{_OPERATION[call.provider.api]} {call.model}",
                span_attributes(entry),
                started_at=call.started_at,
                duration_ms=call.latency_ms,
                error=None if call.outcome is Outcome.OK else call.outcome.value,
            )
        await self._store.record(entry)

    async def aclose(self) -> None:
        """Close the store."""
        await self._store.aclose()

    async def usage(self, review_id: str) -> UsageTotal:
        """Return what a review has used so far."""
        return await self._store.usage(review_id)


# https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/registry/attributes/gen-ai.md
_OPERATION = {
    Provider.CLAUDE: "chat",
    Provider.GPT: "chat",
    Provider.GEMINI: "generate_content",
    Provider.LOCAL: "chat",
    Provider.ANALYZERS: "analyze",
}
_LEVEL = {Outcome.OK: logging.INFO, Outcome.CACHE_HIT: logging.INFO}


def span_attributes(entry: CallEntry) -> Attributes:
    """Return the span's attributes, named by the GenAI conventions if they define a name; never prompts or answers.

    https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md
    """
    call = entry.call
    return {
        "gen_ai.operation.name": _OPERATION[call.provider.api],
        "gen_ai.provider.name": _system(call.provider),
        "gen_ai.request.model": call.model,
        "gen_ai.response.model": entry.answered_by,
        "gen_ai.output.type": "json",
        "gen_ai.prompt.name": call.prompt_id,
        "gen_ai.usage.input_tokens": call.usage.input_tokens,
        "gen_ai.usage.cache_read.input_tokens": call.usage.cached_input_tokens,
        "gen_ai.usage.cache_creation.input_tokens": call.usage.cache_write_tokens,
        "gen_ai.usage.output_tokens": call.usage.output_tokens,
        "quorum.call.id": call.id,
        "quorum.call.attempt": call.attempt,
        "quorum.call.outcome": call.outcome.value,
        "quorum.call.cost_usd": call.cost_usd,
        "quorum.prompt.version": call.prompt_version,
        "quorum.stage": call.stage,
    }


def log_fields(call: ModelCall) -> dict[str, object]:
    """Return the fields of the log line: ids and numbers."""
    return {
        "call_id": call.id,
        "parent_id": call.parent_id,
        "review_id": call.review_id,
        "repository": call.repository,
        "pull_request": call.pull_request,
        "stage": call.stage,
        "gen_ai.provider.name": _system(call.provider),
        "gen_ai.request.model": call.model,
        "prompt_id": call.prompt_id,
        "prompt_version": call.prompt_version,
        "attempt": call.attempt,
        "tier": call.tier,
        "outcome": call.outcome.value,
        "error": call.error,
        "request_id": call.request_id,
        "latency_ms": call.latency_ms,
        "gen_ai.usage.input_tokens": call.usage.input_tokens,
        "gen_ai.usage.cache_read.input_tokens": call.usage.cached_input_tokens,
        "gen_ai.usage.output_tokens": call.usage.output_tokens,
        "cost_usd": call.cost_usd,
    }
