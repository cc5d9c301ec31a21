"""Answers one question on a pull request: first what is wanted, by a small model; then the answer, by who is best at it.

Knows neither GitHub nor the database: what it may see is passed in, what it says is passed out. Falls back like a stage.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from app.conversation.fixed import excerpt
from app.conversation.history import Turn, render_history
from app.conversation.schemas import (
    ANSWER_SCHEMA,
    COMPLAINT_SCHEMA,
    INTENT_SCHEMA,
    Intent,
    Said,
    parse_intent,
    parse_said,
)
from app.domain.configuration import RepositoryConfig
from app.domain.diff import Diff
from app.domain.finding import Finding
from app.domain.review import Chunk
from app.errors import AllModelsFailed
from app.gather.chunks import split_into_chunks
from app.llm.client import CallScope, Completion, ModelRequest, RoutingRequest
from app.pipeline.inputs import Services
from app.prompting.prompts import fence, fence_json
from app.stages.material import render_material

T = TypeVar("T")

DEADLINE_S = 240.0
DIFF_TOKENS = 20_000  # of the change, where no finding narrows the question
MAX_OUTPUT_TOKENS = 4_000
MAX_QUESTION_CHARACTERS = 6_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with all that the answer may be made of. `code` is the text of the finding's file now."""

    question: str
    diff: Diff
    config: RepositoryConfig
    finding: Finding | None = None
    code: str | None = None
    history: Sequence[Turn] = ()
    product: Callable[[], str] = str  # documentation and figures, where the question is about Quorum


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What is said. `by` is `provider:model`."""

    intent: Intent
    said: Said
    by: str
    call_ids: tuple[str, ...]


async def answer(
    asked: Asked, *, services: Services, scope: CallScope, intent: Intent | None = None
) -> Answered:
    """The answer; with `intent` given nobody is asked for it.

    Raises:
        AllModelsFailed, ModelOverBudget: nobody answers.
    """
    clerk = _Clerk(asked, services, scope)
    calls: list[str] = []
    if intent is None:
        intent, call_id = await clerk.ask_intent()
        calls += [call_id] if call_id else []
    if intent is Intent.COMPLAINT and asked.finding is None:
        intent = Intent.GENERAL  # there is nothing to withdraw: it is answered like any other remark
    made = await clerk.ask_answer(intent)
    return Answered(
        intent=intent,
        said=_redacted(made.value, services.redactor.redact),
        by=f"{made.response.provider}:{made.response.model}",
        call_ids=(*calls, made.call_id),
    )


def _redacted(said: Said, redact: Callable[[str], str]) -> Said:
    return replace(said, answer=redact(said.answer), evidence=redact(said.evidence))


class _Clerk:
    """The calls of one question."""

    def __init__(self, asked: Asked, services: Services, scope: CallScope) -> None:
        self._asked = asked
        self._services = services
        self._scope = replace(scope, budget=asked.config.budget)

    async def ask_intent(self) -> tuple[Intent, str | None]:
        """What is wanted; `general` where nobody says so."""
        place = "It was said in the thread of a finding." if self._asked.finding else ""
        try:
            made = await self._ask(
                "intent",
                "conversation/intent",
                {"place": place, "question": self._question()},
                material="",
                schema=INTENT_SCHEMA,
                parse=parse_intent,
            )
        except AllModelsFailed:
            return Intent.GENERAL, None
        return made.value, made.call_id

    async def ask_answer(self, intent: Intent) -> Completion[Said]:
        """What is said to it."""
        secret = self._services.secret
        inputs = {"history": render_history(self._asked.history, secret), "question": self._question()}
        if intent is Intent.PRODUCT_QUESTION:
            material = fence("documentation", self._asked.product(), secret)
            return await self._ask(
                intent,
                "conversation/product",
                inputs,
                material=material,
                schema=ANSWER_SCHEMA,
                parse=parse_said,
            )
        complains = intent is Intent.COMPLAINT
        return await self._ask(
            intent,
            "conversation/complaint" if complains else "conversation/answer",
            {**inputs, "finding": self._finding()},
            material=self._material(),
            schema=COMPLAINT_SCHEMA if complains else ANSWER_SCHEMA,
            parse=parse_said,
        )

    def _question(self) -> str:
        said = self._asked.question[:MAX_QUESTION_CHARACTERS]
        return f"What is asked:\n{fence_json('question', said, self._services.secret)}"

    def _finding(self) -> str:
        finding = self._asked.finding
        if finding is None:
            return ""
        shown = {
            "path": finding.path,
            "line": finding.start_line,
            "severity": finding.severity.value,
            "title": finding.title,
            "explanation": finding.explanation,
            "lines": finding.quote,
            "suggestion": finding.suggestion,
            "confirmed_because": finding.verifier_evidence,
        }
        return (
            f"The finding in whose thread it is asked:\n{fence_json('finding', shown, self._services.secret)}"
        )

    def _material(self) -> str:
        finding, code, redact = self._asked.finding, self._asked.code, self._services.redactor.redact
        files = self._asked.diff.files
        if finding is not None:
            files = tuple(file for file in files if file.path == finding.path)
        parts: list[str] = []
        if chunks := split_into_chunks(files, chunk_tokens=DIFF_TOKENS):
            left = len({file.path for file in files}) - len({file.path for file in chunks[0]})
            parts.append(
                render_material(
                    Chunk(files=chunks[0]),
                    guidelines=(),
                    secret=self._services.secret,
                    redactor=self._services.redactor,
                )
            )
            parts += [f"{left} more changed files are not shown."] if left else []
        if finding is not None and code is not None:
            parts.append(fence("code", excerpt(finding, redact(code)), self._services.secret))
        return "\n\n".join(parts)

    async def _ask(
        self,
        kind: str,
        prompt_id: str,
        inputs: dict[str, str],
        *,
        material: str,
        schema: dict[str, Any],
        parse: Callable[[object], T],
    ) -> Completion[T]:
        services, config = self._services, self._asked.config
        redact = services.redactor.redact
        prompt = services.prompts.render(prompt_id, **inputs)
        system = services.prompts.render("conversation/system")
        request = ModelRequest(
            model="",
            system=system.text,
            material=redact(material),
            question=redact(prompt.text),
            schema=schema,
            effort="low" if kind == "intent" else "medium",
            prompt_id=prompt.id,
            prompt_version=f"{system.version}.{prompt.version}",
            max_output_tokens=MAX_OUTPUT_TOKENS,
        )
        task = RoutingRequest(
            kind=kind,
            tier="full",
            allowed=config.providers,
            deadline_s=DEADLINE_S,
            routing=config.routing,
        )
        scope = replace(self._scope, stage=kind)
        return await services.models.ask(task, request, scope=scope, parse=parse)
