"""Asks a model one question, through the single place that redacts. Used by the stages and by verification.

Never chooses a vendor and never retries: the model layer does.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from app.domain.configuration import RepositoryConfig
from app.domain.finding import Finding, Stage
from app.domain.lookup import LookupRounds
from app.domain.lookup_answer import LookUp
from app.domain.model_call import Provider
from app.domain.rules import render_rules
from app.llm.client import CallScope, Completion, Image, ModelRequest, RoutingRequest
from app.prompting.answers import answer_schema
from app.prompting.prompts import Prompts, RenderedPrompt
from app.stages.material import SecretRedactor

T = TypeVar("T")
CallIdsByStage = Mapping[Stage, Sequence[str]]  # the call that answered each chunk; empty if none did

EFFORT = {"trivial": "low"}  # by tier; all others: medium
SYSTEM_PROMPT = "shared/system"
MAX_CONCURRENT_CHUNKS = 8  # of one stage: vendors limit requests per minute
CACHE_FILL_S = 5.0  # how long a further question to a vendor waits for its first answer
LAST_CHANCE_S = 1.0  # for a chunk that waited until the stage's deadline


class ModelLayer(Protocol):
    """The part of `app.llm.models.Models` that a question needs."""

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The vendors that have a key."""
        ...

    @property
    def is_keyless(self) -> bool:
        """Whether no vendor has a key."""
        ...

    async def order(self, routing: RoutingRequest) -> tuple[Provider, ...]:
        """The vendors in the order in which a question would go to them now."""
        ...

    async def ask(
        self,
        routing: RoutingRequest,
        request: ModelRequest,
        *,
        scope: CallScope,
        parse: Callable[[object], T],
        parent_id: str | None = None,
    ) -> Completion[T]:
        """Return the first valid answer; raises `AllModelsFailed` or `ModelOverBudget`."""
        ...


class CacheFill:
    """Which vendors' caches hold the material of which chunks, so that a further question waits for the first one."""

    def __init__(self) -> None:
        self._events: dict[tuple[Provider, int], asyncio.Event] = {}

    def mark(self, provider: Provider, place: int) -> None:
        """A question about the chunk at this place was answered."""
        self._event(provider, place).set()

    async def wait(self, provider: Provider, place: int) -> None:
        """Wait until one was answered; vendors fill the cache when an answer begins, so not for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CACHE_FILL_S):
                await self._event(provider, place).wait()

    def _event(self, provider: Provider, place: int) -> asyncio.Event:
        return self._events.setdefault((provider, place), asyncio.Event())


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """What all questions of one review share; built once, in the pipeline."""

    models: ModelLayer
    prompts: Prompts
    redactor: SecretRedactor
    secret: bytes  # of the installation, for fences; never shown
    scope: CallScope
    config: RepositoryConfig
    tier: str
    deadline_s: float = 600.0  # of each stage
    look_up: LookUp | None = None  # None: there is no code but the change
    finders: int = 1  # vendors that search the change
    further_paths: frozenset[str] | None = None  # files that all but the first of them read; None: every file
    cache_fill: CacheFill = field(default_factory=CacheFill)
    lookup_rounds: LookupRounds = field(default_factory=LookupRounds)

    @property
    def allowed(self) -> tuple[Provider, ...]:
        """The configured providers that the repository permits."""
        return tuple(filter(self.config.permits, self.models.providers))

    @property
    def vendors(self) -> int:
        """How many vendors may be asked."""
        return len({provider.vendor for provider in self.allowed})

    @property
    def is_keyless(self) -> bool:
        """Whether only the analyzers review: no vendor has a key, or the repository allows no vendor."""
        return not self.allowed

    @property
    def finder_rounds(self) -> int:
        """How often a finder may look things up."""
        return self.lookup_rounds.finder if self.look_up and self.tier == "full" else 0

    @property
    def verifier_rounds(self) -> int:
        """How often a verifier may look things up."""
        return self.lookup_rounds.verifier if self.look_up and self.tier != "trivial" else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Generic[T]):
    """What differs between two calls on the same material. `kind` is the router's, and the stage of the call's row."""

    kind: str
    prompt_id: str
    inputs: dict[str, str]
    parse: Callable[[object], T]
    images: tuple[Image, ...] = ()
    prefix_reused: bool = False
    has_issues: bool = False  # whether it shows issues, so that an answer may be about them
    has_checks: bool = False  # whether it shows failed checks, which a finding may explain
    looked_up: str = ""  # what earlier rounds of look-ups showed; comes last


class StageQueue:
    """Limits how many questions of a stage run at the same time; they share one deadline."""

    def __init__(self, *, deadline_s: float) -> None:
        self._now_s = asyncio.get_running_loop().time
        self._ends_at_s = self._now_s() + deadline_s
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_CHUNKS)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[float]:
        """Wait for a turn; yields the seconds that remain."""
        async with self._slots:
            yield max(self._ends_at_s - self._now_s(), LAST_CHANCE_S)


async def ask(
    context: StageContext,
    question: Question[T],
    *,
    material: str,
    exclude: tuple[Provider, ...] = (),
    parent_id: str | None = None,
    queue: StageQueue | None = None,
    can_split: bool = False,
) -> Completion[T]:
    """Return the validated answer to `question` about `material`.

    Raises:
        AllModelsFailed, ModelOverBudget: see `Models.ask`.
        ModelTruncated, ModelContextTooLong, ModelReadPart: with `can_split`, ask about two halves.
    """
    async with queue.turn() if queue else nullcontext(context.deadline_s) as deadline_s:
        routing = RoutingRequest(
            kind=question.kind,
            tier=context.tier,
            allowed=context.allowed,
            exclude=exclude,
            deadline_s=deadline_s,
            routing=context.config.routing,
            can_split=can_split,
        )
        return await context.models.ask(
            routing,
            build_request(context, question, material=material),
            scope=replace(context.scope, stage=question.kind),
            parse=question.parse,
            parent_id=parent_id,
        )


def parent_of(findings: Sequence[Finding], place: int, parents: CallIdsByStage) -> str | None:
    """Return the first call whose findings on the chunk at `place` are passed to another model."""
    calls = (parents.get(finding.stage, ()) for finding in findings)
    return next((ids[place] for ids in calls if place < len(ids) and ids[place]), None)


def build_request(context: StageContext, question: Question[T], *, material: str) -> ModelRequest:
    """Build the request for any model; every text in it is redacted."""
    prompt = context.prompts.render(question.prompt_id, **question.inputs)
    system = system_prompt(context.prompts)
    shared = context.redactor.redact(material)
    return ModelRequest(
        model="",
        system=system.text,
        material=shared,
        question=context.redactor.redact(_without_blank_lines(f"{prompt.text}\n{question.looked_up}")),
        schema=answer_schema(has_issues=question.has_issues, has_checks=question.has_checks),
        effort=EFFORT.get(context.tier, "medium"),
        prompt_id=prompt.id,
        prompt_version=f"{system.version}.{prompt.version}",
        images=question.images,
        prefix_reused=question.prefix_reused,
        cache_scope=hashlib.sha256(shared.encode()).hexdigest()[:16],
    )


def system_prompt(prompts: Prompts) -> RenderedPrompt:
    """Render the prompt that comes first in every review question, with the vocabulary of `rule_id`."""
    return prompts.render(SYSTEM_PROMPT, rules=render_rules())


def _without_blank_lines(text: str) -> str:
    """Remove blank lines, which empty inputs leave."""
    return "\n".join(line for line in text.split("\n") if line.strip())
