"""The one request shape over all vendors, and what answers it. Knows no vendor, no price, no retry."""

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from app.domain.configuration import Budget, Routing
from app.domain.model_call import Provider, Usage

JsonSchema = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture shown to the model."""

    media_type: str
    data: bytes

    @property
    def base64(self) -> str:
        """The picture as text."""
        return b64encode(self.data).decode()

    @property
    def data_url(self) -> str:
        """The picture as an address."""
        return f"data:{self.media_type};base64,{self.base64}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """A question to a model.

    The three texts go to the vendor in this order, stable first, so that calls of one review share their prefix:
    `system` (instructions), `material` (guidelines, diff, context: the same for every stage), `question` (what differs).
    """

    model: str
    system: str
    material: str
    question: str
    schema: JsonSchema
    schema_name: str = "answer"
    max_output_tokens: int = 16_000
    effort: str = "medium"  # low, medium or high
    prompt_id: str
    prompt_version: str
    images: tuple[Image, ...] = ()
    prefix_reused: bool = False  # another call with the same prefix is expected: worth a cache breakpoint
    cache_scope: str = ""  # prompt_cache_key where the vendor has one
    timeout_s: float = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelResponse:
    """A model's whole answer. `parsed` is the JSON value that the schema asked for, not yet validated against it."""

    provider: Provider
    model: str
    text: str
    parsed: Any
    usage: Usage
    request_id: str | None = None
    stop_reason: str | None = None


class ModelClient(Protocol):
    """One vendor. `generate` is one attempt on the wire and raises a `ModelError`, never the SDK's own."""

    @property
    def provider(self) -> Provider:
        """Whose client this is."""
        ...

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """Ask once."""
        ...

    async def check(self, model: str) -> None:
        """Raise a `ModelError` unless the key is taken and the model is there; costs nothing."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


@runtime_checkable
class PreloadableClient(Protocol):
    """A client whose SDK takes a while to load."""

    async def open(self) -> None:
        """Load it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CallScope:
    """Whom a call is for: tenant of the cache, account of the budget, columns of the row."""

    installation_id: int = 0
    repository: str = ""
    pull_request: int | None = None
    review_id: str | None = None
    stage: str = ""
    bypass_cache: bool = False
    budget: Budget = field(
        default_factory=Budget
    )  # the repository's own limits; they only lower the operator's


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRequest:
    """What the router needs to know to choose: what for, how large, how risky.

    `candidates` are the providers allowed by the repository (in no order); `exclude` those that must not answer,
    e.g. a finding's own finder.
    """

    kind: str  # "review", "security", "docs", "verify", "intent", …
    prompt_tokens: int = 0
    tier: str = "full"  # "trivial", "lite" or "full": see app/llm/router.py
    allowed: tuple[Provider, ...] = ()
    exclude: tuple[Provider, ...] = ()
    routing: Routing = Routing.FIXED
    deadline_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteCandidate:
    """Somebody to ask, and why in this place."""

    provider: Provider
    model: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A validated answer with where it came from. `value` is what `parse` made of the JSON."""

    value: Any
    response: ModelResponse
    call_id: str
    route: str  # the router's decision and reason, in a line
    failures: tuple[str, ...] = field(default=())  # what failed before, one sentence each
