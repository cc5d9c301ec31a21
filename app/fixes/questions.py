"""Asks a model for a fix, and another vendor's model whether a fix is right. Shows them redacted, fenced text only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pydantic import StrictBool, ValidationError

from app.domain.configuration import RepositoryConfig
from app.domain.diff import Diff
from app.domain.finding import Finding
from app.domain.fix import FixedFile, ProposedFix, TextEdit
from app.domain.model_call import Provider
from app.domain.pull_request import Snapshot
from app.errors import ModelInvalidOutput
from app.fixes.patch import render_patch
from app.gather.guidelines import choose_guidelines
from app.llm.client import CallScope, Completion, ModelRequest, RoutingRequest
from app.pipeline.inputs import Services
from app.prompting.answers import closed
from app.prompting.items import AnswerItem, Item
from app.prompting.prompts import fence, fence_json, visible
from app.stages.material import render_file

T = TypeVar("T")

FIX, VERIFY_FIX = "fix", "verify_fix"  # the kinds of question, and the stages of their calls
SYSTEM_PROMPT = "fix/system"
DEADLINE_S = 300.0
MAX_OUTPUT_TOKENS = 32_000  # thinking included
MAX_FILE_CHARACTERS = 60_000  # of one file; around the finding if it is longer
MAX_DIFF_CHARACTERS = 40_000  # of the change under review
MAX_SENTENCE_CHARACTERS = 200
MAX_EDITS_READ = 200  # the rules allow fewer

_TEXT = {"type": "string"}
_YES_NO = {"type": "boolean"}
FIX_SCHEMA = closed(
    edits={"type": "array", "items": closed(path=_TEXT, old=_TEXT, new=_TEXT)}, sentence=_TEXT
)
VERDICT_SCHEMA = closed(
    evidence=_TEXT, removes_defect=_YES_NO, changes_nothing_else=_YES_NO, breaks_nothing=_YES_NO
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixVerdict:
    """What another vendor's model says about a fix."""

    is_right: bool
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FixQuestions:
    """Asks about fixes of one change."""

    services: Services
    config: RepositoryConfig
    scope: CallScope
    snapshot: Snapshot

    async def ask_fix(
        self,
        finding: Finding,
        files: Mapping[str, bytes],
        *,
        objections: Sequence[str],
        exclude: Sequence[Provider],
    ) -> Completion[ProposedFix]:
        """Ask for a fix; `objections` say why earlier ones were not used.

        Raises:
            AllModelsFailed, ModelOverBudget: no model answers.
        """
        return await self._ask(
            FIX,
            "fix/question",
            {"finding": self._finding(finding), "objections": self._objections(objections)},
            material=self._material(finding, files),
            schema=FIX_SCHEMA,
            parse=parse_fix,
            exclude=exclude,
        )

    async def ask_verdict(
        self,
        finding: Finding,
        files: Mapping[str, bytes],
        *,
        fixed: Sequence[FixedFile],
        exclude: Sequence[Provider],
        parent_id: str,
    ) -> Completion[FixVerdict]:
        """Ask whether a fix is right.

        Raises:
            AllModelsFailed, ModelOverBudget: no model of another vendor answers.
        """
        patch = self.services.redactor.redact(render_patch(fixed, plain_text_only=True))
        return await self._ask(
            VERIFY_FIX,
            "fix/verify",
            {"finding": self._finding(finding), "patch": fence("patch", patch, self.services.secret)},
            material=self._material(finding, files),
            schema=VERDICT_SCHEMA,
            parse=parse_verdict,
            exclude=exclude,
            parent_id=parent_id,
        )

    def _finding(self, finding: Finding) -> str:
        shown = {
            "path": finding.path,
            "line": finding.start_line,
            "lines": finding.quote,
            "title": finding.title,
            "explanation": finding.explanation,
            "suggestion": finding.suggestion,
            "confirmed_because": finding.verifier_evidence,
            "also_at": [f"{each.path}:{each.start_line}" for each in finding.duplicates],
        }
        return fence_json("finding", shown, self.services.secret)

    def _objections(self, objections: Sequence[str]) -> str:
        if not objections:
            return ""
        text = "\n".join(f"- {objection}" for objection in objections)
        return f"An earlier fix was not used, because:\n{fence('objections', text, self.services.secret)}"

    def _material(self, finding: Finding, files: Mapping[str, bytes]) -> str:
        redact, secret = self.services.redactor.redact, self.services.secret
        guidelines = choose_guidelines(
            self.snapshot.base_files,
            self.config.guidelines,
            tier="full",
            characters=self.config.guideline_characters,
            paths=[finding.path],
        ).shown
        own = [each for each in guidelines if each.path in self.config.guidelines]
        return "\n\n".join(
            [
                *(fence("guidelines", f"=== {each.path}\n{redact(each.text)}", secret) for each in own),
                fence("diff", _diff(self.snapshot.diff, self.services), secret),
                *(
                    fence(
                        "file",
                        f"=== {visible(path)}\n{_excerpt(redact(_text(content)), finding, path)}",
                        secret,
                    )
                    for path, content in files.items()
                ),
            ]
        )

    async def _ask(
        self,
        kind: str,
        prompt_id: str,
        inputs: Mapping[str, str],
        *,
        material: str,
        schema: dict[str, Any],
        parse: Callable[[object], T],
        exclude: Sequence[Provider],
        parent_id: str | None = None,
    ) -> Completion[T]:
        services, redact = self.services, self.services.redactor.redact
        prompt = services.prompts.render(prompt_id, **inputs)
        system = services.prompts.render(SYSTEM_PROMPT)
        request = ModelRequest(
            model="",
            system=system.text,
            material=redact(material),
            question=redact(prompt.text),
            schema=schema,
            prompt_id=prompt.id,
            prompt_version=f"{system.version}.{prompt.version}",
            max_output_tokens=MAX_OUTPUT_TOKENS,
        )
        routing = RoutingRequest(
            kind=kind,
            allowed=tuple(filter(self.config.permits, services.models.providers)),
            exclude=tuple(exclude),
            deadline_s=DEADLINE_S,
            routing=self.config.routing,
        )
        scope = replace(self.scope, stage=kind, budget=self.config.budget)
        return await services.models.ask(routing, request, scope=scope, parse=parse, parent_id=parent_id)


class EditItem(AnswerItem):
    """One edit of an answer."""

    path: str
    old: str
    new: str


class FixAnswer(AnswerItem):
    """The answer to the question for a fix."""

    edits: list[EditItem]
    sentence: str


class FixVerdictAnswer(AnswerItem):
    """The answer to the question whether a fix is right."""

    evidence: str
    removes_defect: StrictBool
    changes_nothing_else: StrictBool
    breaks_nothing: StrictBool


def parse_fix(value: object) -> ProposedFix:
    """Parse the answer; raises `ModelInvalidOutput` if a field is missing or of another type."""
    answer = _validated(FixAnswer, value)
    edits = answer.edits[:MAX_EDITS_READ]
    return ProposedFix(
        edits=tuple(TextEdit(path=each.path, old=each.old, new=each.new) for each in edits),
        sentence=" ".join(answer.sentence.split())[:MAX_SENTENCE_CHARACTERS],
    )


def parse_verdict(value: object) -> FixVerdict:
    """Parse the answer; raises `ModelInvalidOutput` if a field is missing or of another type."""
    answer = _validated(FixVerdictAnswer, value)
    return FixVerdict(
        is_right=answer.removes_defect and answer.changes_nothing_else and answer.breaks_nothing,
        evidence=answer.evidence,
    )


def _validated(kind: type[Item], value: object) -> Item:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        wrong = {
            ".".join(map(str, each["loc"])): each["msg"] for each in error.errors(include_input=False)[:5]
        }
        raise ModelInvalidOutput(
            "; ".join(f"{name}: {message}" for name, message in wrong.items())
        ) from error


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").replace("\r\n", "\n")


def _excerpt(text: str, finding: Finding, path: str) -> str:
    """The whole file, or as many lines around the finding as fit."""
    if len(text) <= MAX_FILE_CHARACTERS:
        return text
    lines = text.split("\n")
    place = min(finding.start_line, len(lines)) - 1 if path == finding.path else 0
    first = last = place
    room = MAX_FILE_CHARACTERS - len(lines[place])
    while room > 0 and (first > 0 or last < len(lines) - 1):
        if first > 0:
            first -= 1
            room -= len(lines[first]) + 1
        if last < len(lines) - 1:
            last += 1
            room -= len(lines[last]) + 1
    return "\n".join(["…", *lines[first : last + 1], "…"])


def _diff(diff: Diff, services: Services) -> str:
    text = "\n".join(render_file(file, services.redactor) for file in diff.files)
    return (
        text if len(text) <= MAX_DIFF_CHARACTERS else f"{text[:MAX_DIFF_CHARACTERS]}\n… the rest is left out"
    )
