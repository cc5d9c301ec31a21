"""What a call of a model was and cost; the columns and outcomes of the contract. No I/O."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Provider(StrEnum):
    """Who may review. `analyzers` is built in and needs no key; it is no vendor."""

    CLAUDE = "claude"
    GPT = "gpt"
    GEMINI = "gemini"
    LOCAL = "local"
    ANALYZERS = "analyzers"


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
    """Tokens of one answer; `input_tokens` includes those read from and written to the cache, `output_tokens` the thinking."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0  # some vendors charge more for writing their prompt cache


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One attempt on the wire, one cache hit or one refusal by budget: a row of `model_calls`."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedAnswer:
    """An answer that was paid for, of one tenant; `key` is a hash over everything that decides it, `value` its JSON value."""

    installation_id: int
    repository: str
    key: str
    provider: Provider
    model: str
    prompt_id: str
    prompt_version: str
    value: Any
    usage: Usage  # what it took when it was given
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What one call changes on the accounts of its budgets: what it cost more (or less) than was reserved for it."""

    accounts: tuple[str, ...]
    difference_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One of the slots of a provider: as many calls as it has slots are under way at a time, over all processes."""

    provider: Provider
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEntry:
    """All that one call leaves, kept at once or not at all: its row, what it spent, and its answer if that was good."""

    call: ModelCall
    booking: Booking | None = None
    answer: CachedAnswer | None = None
    answered_by: str | None = None  # the model that the answer names: it may be another than was asked
