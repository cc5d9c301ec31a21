"""Answers one question on a pull request: a small model finds the intent, then the best model for it answers.

Independent of GitHub and the database: receives everything it may see, and returns the answer. Falls back like a stage.
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
    ModelReply,
    parse_intent,
    parse_reply,
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
DIFF_TOKENS = 20_000  # of the change, if no finding narrows the question
MAX_OUTPUT_TOKENS = 16_000  # thinking included
MAX_QUESTION_CHARACTERS = 6_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationQuestion:
    """A question with everything that the model may see. `code` is the current text of the finding's file."""

    question: str
    diff: Diff
    config: RepositoryConfig
    finding: Finding | None = None
    code: str | None = None
    history: Sequence[Turn] = ()
    product: Callable[[], str] = str  # documentation and figures, for questions about Quorum


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationAnswer:
    """An answer and its intent. `by` is `provider:model`."""

    intent: Intent
    reply: ModelReply
    by: str
    call_ids: tuple[str, ...]


async def answer(
    question: ConversationQuestion, *, services: Services, scope: CallScope, intent: Intent | None = None
) -> ConversationAnswer:
    """Answer the question; a model determines the intent unless it is given.

    Raises:
        AllModelsFailed, ModelOverBudget: no model answers.
    """
    calls_of_question = _QuestionCalls(question, services, scope)
    calls: list[str] = []
    if intent is None:
        intent, call_id = await calls_of_question.ask_intent()
        calls += [call_id] if call_id else []
    if intent is Intent.COMPLAINT and question.finding is None:
        intent = Intent.GENERAL  # there is no finding to withdraw
    completion = await calls_of_question.ask_answer(intent)
    return ConversationAnswer(
        intent=intent,
        reply=_redacted(completion.value, services.redactor.redact),
        by=f"{completion.response.provider}:{completion.response.model}",
        call_ids=(*calls, completion.call_id),
    )


def _redacted(reply: ModelReply, redact: Callable[[str], str]) -> ModelReply:
    return replace(reply, answer=redact(reply.answer), evidence=redact(reply.evidence))


class _QuestionCalls:
    """The calls of one question."""

    def __init__(self, question: ConversationQuestion, services: Services, scope: CallScope) -> None:
        self._input = question
        self._services = services
        self._scope = replace(scope, budget=question.config.budget)

    async def ask_intent(self) -> tuple[Intent, str | None]:
        """The intent; `general` if no model answers."""
        place = "It was said in the thread of a finding." if self._input.finding else ""
        try:
            completion = await self._ask(
                "intent",
                "conversation/intent",
                {"place": place, "question": self._question()},
                material="",
                schema=INTENT_SCHEMA,
                parse=parse_intent,
            )
        except AllModelsFailed:
            return Intent.GENERAL, None
        return completion.value, completion.call_id

    async def ask_answer(self, intent: Intent) -> Completion[ModelReply]:
        """The answer for this intent."""
        secret = self._services.secret
        inputs = {"history": render_history(self._input.history, secret), "question": self._question()}
        if intent is Intent.PRODUCT_QUESTION:
            material = fence("documentation", self._input.product(), secret)
            return await self._ask(
                intent,
                "conversation/product",
                inputs,
                material=material,
                schema=ANSWER_SCHEMA,
                parse=parse_reply,
            )
        complains = intent is Intent.COMPLAINT
        return await self._ask(
            intent,
            "conversation/complaint" if complains else "conversation/answer",
            {**inputs, "finding": self._finding()},
            material=self._material(),
            schema=COMPLAINT_SCHEMA if complains else ANSWER_SCHEMA,
            parse=parse_reply,
        )

    def _question(self) -> str:
        text = self._input.question[:MAX_QUESTION_CHARACTERS]
        return f"What is asked:\n{fence_json('question', text, self._services.secret)}"

    def _finding(self) -> str:
        finding = self._input.finding
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
        finding, code, redact = self._input.finding, self._input.code, self._services.redactor.redact
        files = self._input.diff.files
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
        services, config = self._services, self._input.config
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
            allowed=tuple(filter(config.permits, services.models.providers)),
            deadline_s=DEADLINE_S,
            routing=config.routing,
        )
        scope = replace(self._scope, stage=kind)
        return await services.models.ask(task, request, scope=scope, parse=parse)
