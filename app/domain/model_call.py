"""Calls of models: their rows and outcomes, budgets, circuit breakers, and the record of a provider. No I/O."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

NAME_PATTERN = r"[a-z][a-z0-9-]{0,29}"  # of a server or a vendor
_OPEN_NAME = re.compile(rf"{NAME_PATTERN}(?:@{NAME_PATTERN})?")


class Provider(StrEnum):
    """Who answers: a vendor through its own API, an OpenAI-compatible server, or the built-in analyzers.

    The set is open: `mistral@groq` is a model made by Mistral on the operator's server named `groq`. Two providers with
    one vendor never confirm each other. Each name has one member, so `is` compares members.
    """

    CLAUDE = "claude"
    GPT = "gpt"
    GEMINI = "gemini"
    LOCAL = "local"  # the server of QUORUM_LOCAL_BASE_URL
    ANALYZERS = "analyzers"  # needs no key and is not a vendor

    @classmethod
    def _missing_(cls, value: object) -> "Provider | None":
        """Add the member for a name that the class does not list."""
        if not isinstance(value, str) or not _OPEN_NAME.fullmatch(value):
            return None
        member = str.__new__(cls, value)
        member._name_ = member._value_ = value
        members = cast("dict[str, Provider]", cls._value2member_map_)
        return members.setdefault(value, member)

    @classmethod
    def vendors(cls) -> tuple["Provider", ...]:
        """The vendors of all names that this process has met, without the analyzers."""
        members = tuple(cast("dict[str, Provider]", cls._value2member_map_).values())
        return tuple(dict.fromkeys(each.vendor for each in members if each is not cls.ANALYZERS))

    @property
    def vendor(self) -> "Provider":
        """Who made the model."""
        return Provider(self.value.partition("@")[0])

    @property
    def server(self) -> str:
        """The name by which `providers` in a configuration permits it: the server's, or else the vendor's."""
        return self.value.rpartition("@")[2]

    @property
    def api(self) -> "Provider":
        """Whose API it speaks; all servers speak OpenAI's Chat Completions, as `local` does."""
        return Provider.LOCAL if self.is_server else self

    @property
    def is_server(self) -> bool:
        """Whether it is an OpenAI-compatible server at an address of the operator."""
        return self is Provider.LOCAL or "@" in self.value


def vendor_of(name: str) -> Provider | None:
    """The vendor of `provider:model`; None if that is no provider's name."""
    provider = name.partition(":")[0]
    return Provider(provider).vendor if _OPEN_NAME.fullmatch(provider) else None


def vendors_of(names: Iterable[str]) -> tuple[Provider, ...]:
    """The distinct vendors among these names, in order; analyzers are not a vendor."""
    found = (vendor_of(name) for name in names)
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
    counts those refuted or dismissed. Findings without an outcome count as neither. `held_alone` counts those of `held`
    that no other vendor found as well.
    """

    stage: str
    provider: Provider
    calls: int = 0  # attempts on the wire
    answered: int = 0  # attempts with a usable completion
    held: int = 0
    held_alone: int = 0
    fell: int = 0
    average_ms: float = 0.0  # of the usable completions
    cost_usd: float = 0.0  # of all attempts with a known price
