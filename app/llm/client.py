"""The types of requests and completions that all vendors share, and the interface of a vendor's client."""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from app.domain.configuration import Budget, Routing
from app.domain.model_call import Provider, Rung, Usage

STREAMED_ABOVE_TOKENS = 16_000  # Anthropic's SDK demands a stream above 21,333 without an explicit timeout

JsonSchema = dict[str, Any]
Check = Callable[[], Awaitable[None]]
T = TypeVar("T")


async def always_wanted() -> None:
    """Accept every call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image shown to the model."""

    media_type: str
    data: bytes

    @property
    def base64(self) -> str:
        """The image as Base64 text."""
        return b64encode(self.data).decode()

    @property
    def data_url(self) -> str:
        """The image as a data URL."""
        return f"data:{self.media_type};base64,{self.base64}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """A request to a model.

    The vendor gets three texts, the most stable first, so that the calls of one review share a prefix: `system`
    (instructions), `material` (guidelines, diff and context; the same for every stage) and `question` (what differs).
    """

    model: str
    system: str
    material: str
    question: str
    schema: JsonSchema
    schema_name: str = "answer"
    rung: Rung = Rung.SCHEMA  # below OPEN_SCHEMA, the question ends with the schema: `app.llm.ladder`
    max_output_tokens: int = (
        32_000  # thinking included; `app.llm.output_limits` lowers it for models that write less
    )
    effort: str = "medium"  # low, medium or high
    prompt_id: str
    prompt_version: str
    images: tuple[Image, ...] = ()
    prefix_reused: bool = False  # another call with the same prefix is expected: worth a cache breakpoint
    cache_scope: str = ""  # prompt_cache_key, if the vendor has one
    timeout_s: float = 240.0

    @property
    def is_streamed(self) -> bool:
        """Whether the answer may take longer than an SDK or a proxy waits for an idle connection."""
        return self.max_output_tokens > STREAMED_ABOVE_TOKENS

    @property
    def is_schema_enforced(self) -> bool:
        """Whether the vendor is to enforce the schema, so that an answer is JSON and nothing else."""
        return self.rung in (Rung.SCHEMA, Rung.OPEN_SCHEMA)

    @property
    def texts(self) -> tuple[str, str, str]:
        """The three texts in the order in which the vendor gets them."""
        return (self.system, self.material, self.question)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelResponse:
    """A vendor's complete response. `parsed` is its JSON value, not yet validated against the schema."""

    provider: Provider
    model: str
    text: str
    parsed: object
    usage: Usage
    request_id: str | None = None
    stop_reason: str | None = None
    first_token_ms: int | None = None  # of a streamed answer


class ModelClient(Protocol):
    """A vendor's client. `generate` makes one attempt and raises a `ModelError`, never an error of the SDK."""

    @property
    def provider(self) -> Provider:
        """The vendor."""
        ...

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """Send the request once."""
        ...

    async def check(self, model: str) -> None:
        """Raise a `ModelError` unless the vendor accepts the key and has the model; costs nothing."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


@runtime_checkable
class PreloadableClient(Protocol):
    """A client whose SDK takes a while to load."""

    async def preload(self) -> None:
        """Load the SDK now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CallScope:
    """What a call belongs to: the cache's tenant, the budget's accounts, and the columns of the call's row.

    `check` runs before each attempt and raises if nobody wants the answer any more.
    """

    installation_id: int = 0
    repository: str = ""
    pull_request: int | None = None
    review_id: str | None = None
    stage: str = ""
    bypass_cache: bool = False
    budget: Budget = field(
        default_factory=Budget
    )  # the repository's; it can only lower the operator's limits
    check: Check = field(default=always_wanted, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingRequest:
    """What the router needs to choose candidates.

    `allowed` lists the providers that the repository permits, in any order; None permits all. `exclude` lists the vendors
    that must not answer, such as the one that made a finding.
    """

    kind: str  # "review", "security", "docs", "verify", "intent", …
    tier: str = "full"  # "trivial", "lite" or "full": see app/llm/router.py
    allowed: tuple[Provider, ...] | None = None
    exclude: tuple[Provider, ...] = ()
    routing: Routing = Routing.FIXED
    deadline_s: float = 600.0
    can_split: bool = False  # the caller asks about two halves if an answer or the request is too long


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteCandidate:
    """A model that may be asked, and the reason for its place in the order."""

    provider: Provider
    model: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion(Generic[T]):
    """A validated answer and its origin. `value` is what `parse` returned for the JSON."""

    value: T
    response: ModelResponse
    call_id: str
    route: str  # the router's decision and reason, in one line
    failures: tuple[str, ...] = ()  # earlier failures, one sentence each
