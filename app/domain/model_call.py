"""Calls of models: their rows and outcomes, budgets, circuit breakers, and the record of a provider. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Provider(StrEnum):
    """The possible reviewers. `analyzers` is built in, needs no key and is not a vendor."""

    CLAUDE = "claude"
    GPT = "gpt"
    GEMINI = "gemini"
    LOCAL = "local"
    ANALYZERS = "analyzers"


def provider_of(name: str) -> Provider | None:
    """The provider of `provider:model`; None if it is unknown."""
    provider = name.partition(":")[0]
    return Provider(provider) if provider in set(Provider) else None


def vendors_of(names: Iterable[str]) -> tuple[Provider, ...]:
    """The distinct vendors among these names, in order; analyzers are not a vendor."""
    found = (provider_of(name) for name in names)
    return tuple(dict.fromkeys(each for each in found if each not in (None, Provider.ANALYZERS)))


class Outcome(StrEnum):
    """How one attempt ended."""

    OK = "ok"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    INVALID_OUTPUT = "invalid_output"
    CONTEXT_TOO_LONG = "context_too_long"
    OVER_BUDGET = "over_budget"
    AUTH_FAILED = "auth_failed"
    CACHE_HIT = "cache_hit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one completion; `input_tokens` includes cache reads and writes, `output_tokens` includes thinking."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0  # some vendors charge more for cache writes


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One attempt on the wire, one cache hit or one call refused by a budget: a row of `model_calls`."""

    id: str
    review_id: str | None
    installation_id: int | None
    repository: str | None
    pull_request: int | None
    stage: str  # review, security, docs, verify, intent, …
    provider: Provider
    model: str
    prompt_id: str
    prompt_version: str
    attempt: int
    parent_id: str | None
    outcome: Outcome
    latency_ms: int
    usage: Usage
    cost_usd: float | None  # None: the price is unknown
    started_at: datetime
    tier: str | None = None
    reason: str | None = None  # the router's reason for this candidate
    error: str | None = None  # short and without secrets
    request_id: str | None = None
    first_token_ms: int | None = None  # of a streamed answer


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedAnswer:
    """A paid completion of one tenant; `key` is a hash of everything that determines it, `value` is its JSON."""

    installation_id: int
    repository: str
    key: str
    provider: Provider
    model: str
    prompt_id: str
    prompt_version: str
    value: Any
    usage: Usage  # of the original call
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A correction of the budget accounts of one call: its cost minus the reserved amount."""

    accounts: tuple[str, ...]
    difference_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One slot of a provider. Each call occupies one, so the slots limit the concurrent calls of all processes."""

    provider: Provider
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEntry:
    """What one call leaves, stored in one transaction: its row, its cost, and its answer if that is usable."""

    call: ModelCall
    booking: Booking | None = None
    answer: CachedAnswer | None = None
    answered_by: str | None = None  # the model named in the answer; it can differ from the requested one


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitName:
    """The key of a circuit breaker.

    `access` is a short digest of API key and address, so that a new key does not inherit the state of the old one.
    """

    provider: Provider
    model: str | None  # None: all models of the provider
    access: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitState:
    """An open circuit breaker: no calls until `open_until`, then one process probes the provider."""

    name: CircuitName
    kind: str  # the class of the error that opened it
    error: str  # its message, without secrets
    opened_at: datetime
    open_until: datetime


class Rung(StrEnum):
    """How a model is asked for JSON, best first; a vendor that refuses one is asked on the next."""

    SCHEMA = "schema"
    OPEN_SCHEMA = "schema without enums"
    JSON_MODE = "JSON mode"
    PROMPT = "prompt only"


@dataclass(frozen=True, slots=True, kw_only=True)
class RungName:
    """Whose rung it is: `schema` and `access` are short digests, so that a new schema or address starts at the top."""

    provider: Provider
    model: str
    schema: str
    access: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RungState:
    """The rung that a model took after it refused a better one; the better one is tried anew after `expires_at`."""

    name: RungName
    rung: Rung
    error: str  # why the better one failed, without secrets
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRecord:
    """The record of one provider at one stage; learned routing orders providers by these numbers.

    `held` counts findings that another vendor confirmed or an author resolved, and that were not dismissed. `fell`
    counts those refuted or dismissed. Findings without an outcome count as neither.
    """

    stage: str
    provider: Provider
    calls: int = 0  # attempts on the wire
    answered: int = 0  # attempts with a usable completion
    held: int = 0
    fell: int = 0
    average_ms: float = 0.0  # of the usable completions
    cost_usd: float = 0.0  # of all attempts with a known price
