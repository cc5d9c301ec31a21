"""One question to a model, in the layout of `ModelRequest`, through one gate that redacts.

Used by the stages and by verification. Never chooses a vendor and never retries: that is the model layer's.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from app.domain.configuration import Routing
from app.domain.finding import Finding, Stage
from app.domain.model_call import Provider
from app.domain.rules import render_rules
from app.llm.client import CallScope, Completion, Image, ModelRequest, RoutingRequest
from app.llm.router import estimate_tokens
from app.prompting.answers import answer_schema
from app.prompting.prompts import Prompts, RenderedPrompt

T = TypeVar("T")
CallIdsByStage = Mapping[Stage, Sequence[str]]  # the call that answered, one a chunk; empty where none did

EFFORT = {"trivial": "low"}  # by tier; all others: medium
SYSTEM_PROMPT = "shared/system"


class ModelLayer(Protocol):
    """What a question needs of the model layer."""

    @property
    def providers(self) -> tuple[Provider, ...]:
        """The vendors that have a key."""
        ...

    @property
    def is_keyless(self) -> bool:
        """Whether no vendor has one."""
        ...

    async def ask(
        self,
        task: RoutingRequest,
        request: ModelRequest,
        *,
        scope: CallScope,
        parse: Callable[[Any], T],
        parent_id: str | None = None,
    ) -> Completion:
        """Ask the task's candidates until one answers; raises `AllModelsFailed` or `ModelOverBudget`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """What all questions of one review have in common."""

    models: ModelLayer
    prompts: Prompts
    scope: CallScope
    redact: Callable[[str], str]
    secret: bytes  # of the fences: the installation's, never shown
    tier: str
    routing: Routing
    allowed: tuple[Provider, ...]
    deadline_s: float
    prefix_reused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What differs between two calls on the same material."""

    kind: str  # the router's task
    prompt_id: str
    inputs: dict[str, str]
    parse: Callable[[Any], Any]
    images: tuple[Image, ...] = ()


async def ask(
    desk: StageContext,
    question: Question,
    *,
    material: str,
    exclude: tuple[Provider, ...] = (),
    parent_id: str | None = None,
) -> Completion:
    """The validated answer to `question` about `material`.

    Raises:
        AllModelsFailed, ModelOverBudget: see `Models.ask`.
    """
    request = build_request(desk, question, material=material)
    texts = (request.system, request.material, request.question)
    task = RoutingRequest(
        kind=question.kind,
        prompt_tokens=sum(map(estimate_tokens, texts)),
        tier=desk.tier,
        allowed=desk.allowed,
        exclude=exclude,
        deadline_s=desk.deadline_s,
        routing=desk.routing,
    )
    return await desk.models.ask(task, request, scope=desk.scope, parse=question.parse, parent_id=parent_id)


def parent_of(findings: Sequence[Finding], place: int, parents: CallIdsByStage) -> str | None:
    """The call whose findings on the chunk at `place` are handed to another model: the first one's."""
    calls = (parents.get(finding.stage, ()) for finding in findings)
    return next((ids[place] for ids in calls if place < len(ids) and ids[place]), None)


def build_request(desk: StageContext, question: Question, *, material: str) -> ModelRequest:
    """The request for any model; every text in it has passed redaction."""
    prompt = desk.prompts.render(question.prompt_id, **question.inputs)
    system = system_prompt(desk.prompts)
    shared = desk.redact(material)
    return ModelRequest(
        model="",
        system=system.text,
        material=shared,
        question=desk.redact(_closed_up(prompt.text)),
        schema=answer_schema(),
        effort=EFFORT.get(desk.tier, "medium"),
        prompt_id=prompt.id,
        prompt_version=f"{system.version}.{prompt.version}",
        images=question.images,
        prefix_reused=desk.prefix_reused,
        cache_scope=hashlib.sha256(shared.encode()).hexdigest()[:16],
    )


def system_prompt(prompts: Prompts) -> RenderedPrompt:
    """What every reviewer is told first, with the vocabulary of `rule_id`."""
    return prompts.render(SYSTEM_PROMPT, rules=render_rules())


def _closed_up(text: str) -> str:
    """Without the blank lines that empty inputs leave."""
    return "\n".join(line for line in text.split("\n") if line.strip())
