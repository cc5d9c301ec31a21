"""The JSON schema of every answer, and the parser that turns an answer into domain values.

One schema serves every prompt, because it is part of the prefix that vendors cache. Requested fields are validated
strictly, other fields are ignored, and every dropped item leaves a note."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from app.domain.finding import ComponentEdge, FileSummary, Finding, Judgement, Severity, Stage, Walkthrough
from app.domain.rules import RULES, rule_for
from app.errors import ModelInvalidOutput
from app.prompting.items import DocsItem, FindingItem, VerdictItem


def closed(**properties: object) -> dict[str, Any]:
    """Return the schema of an object with these properties, all required, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _array(**properties: object) -> dict[str, Any]:
    return {"type": "array", "items": closed(**properties)}


_TEXT: dict[str, Any] = {"type": "string"}
_WHOLE: dict[str, Any] = {"type": "integer"}
_NULLABLE_TEXT: dict[str, Any] = {"anyOf": [_TEXT, {"type": "null"}]}


def answer_schema() -> dict[str, Any]:
    """Return the schema of every answer, in the subset that all vendors support: all required, nullable, closed, no bounds.

    Evidence comes before the claim it supports, because models write in the order of the schema.
    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
    """
    return closed(
        findings=_array(
            path=_TEXT,
            line=_WHOLE,
            quote=_TEXT,
            evidence=_TEXT,
            rule_id={"type": "string", "enum": sorted(RULES)},
            severity={"type": "string", "enum": [severity.value for severity in Severity]},
            title=_TEXT,
            explanation=_TEXT,
            suggestion=_NULLABLE_TEXT,
            pre_existing={"type": "boolean"},
        ),
        verdicts=_array(
            id=_TEXT,
            evidence=_TEXT,
            verdict={"type": "string", "enum": [judgement.value for judgement in Judgement]},
            worth=_WHOLE,
            same_as=_NULLABLE_TEXT,
            restated=_NULLABLE_TEXT,
        ),
        summary=_NULLABLE_TEXT,
        files=_array(path=_TEXT, change=_TEXT),
        edges=_array(source=_TEXT, target=_TEXT, label=_TEXT),
        documents=_array(title=_TEXT, content=_TEXT),
    )


MAX_FINDINGS = 50  # of one answer; more would bury the important ones
MAX_PROBLEMS_NAMED = 5  # of an invalid answer, in the error and so in the repeated question


_REDACTED = "[REDACTED"  # how redaction marks a secret

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFindings:
    """Findings without their finder, and a sentence for each dropped item."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedVerdict:
    """A verdict on the candidate with this id, without its author."""

    id: str
    judgement: Judgement
    evidence: str
    worth: int
    same_as: str | None = None
    restated: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedDocs:
    """The docs stage's answer; documents are (title, content)."""

    walkthrough: Walkthrough | None  # None: the answer has no summary
    documents: tuple[tuple[str, str], ...]
    found: ParsedFindings


_FINDINGS = TypeAdapter(list[FindingItem])
_VERDICTS = TypeAdapter(list[VerdictItem])
_DOCS = TypeAdapter(DocsItem)


def parse_findings(value: object, *, stage: Stage, paths: Collection[str]) -> ParsedFindings:
    """Parse the array `findings` of an answer; `paths` are those of the diff.

    An unknown path stays unchanged, because the quote may identify the file.

    Raises:
        ModelInvalidOutput: the array is missing or an item lacks a field of the contract.
    """
    items = _validated(_FINDINGS, _field(value, "findings"), "findings")
    named = _DiffPaths(paths)
    notes: list[str] = []
    if len(items) > MAX_FINDINGS:
        notes.append(f"{len(items) - MAX_FINDINGS} findings beyond the first {MAX_FINDINGS} were dropped.")
    findings = (_finding(item, named.path_of(item.path) or item.path, stage) for item in items[:MAX_FINDINGS])
    return ParsedFindings(findings=tuple(findings), notes=tuple(notes))


def parse_verdicts(value: object, *, ids: Sequence[str]) -> tuple[ParsedVerdict, ...]:
    """Parse one verdict for each of `ids`, in order; a skipped candidate is `unsure`.

    Raises:
        ModelInvalidOutput: the array is missing, covers no candidate, or gives one of them two verdicts.
    """
    items = _validated(_VERDICTS, _field(value, "verdicts"), "verdicts")
    known = {item.id: item for item in items if item.id in ids}
    twice = [item.id for item in items if item.id in known and item.verdict != known[item.id].verdict]
    if twice:
        raise ModelInvalidOutput(f"verdicts: {twice[0]} has two different verdicts.")
    if ids and not known:
        raise ModelInvalidOutput("verdicts: none of the claims has a verdict; use their ids.")
    return tuple(_verdict(known.get(id_), id_) for id_ in ids)


def parse_docs(value: object, *, stage: Stage, paths: Collection[str]) -> ParsedDocs:
    """Parse the walkthrough, documents and findings of the docs stage.

    Raises:
        ModelInvalidOutput: the array `findings` is missing, or an item does not fit the schema.
    """
    _field(value, "findings")
    item = _validated(_DOCS, value, "answer")
    named = _DiffPaths(paths)
    rows = [(named.path_of(row.path), row) for row in item.files]
    lost = [
        f"A row of the walkthrough was dropped: {row.path!r} is not in the diff."
        for path, row in rows
        if path is None
    ]
    found = parse_findings(value, stage=stage, paths=paths)
    files = tuple(FileSummary(path=path, change=row.change) for path, row in rows if path is not None)
    edges = tuple(
        ComponentEdge(source=edge.source, target=edge.target, label=edge.label) for edge in item.edges
    )
    return ParsedDocs(
        walkthrough=Walkthrough(summary=item.summary, files=files, edges=edges) if item.summary else None,
        documents=tuple((document.title, document.content) for document in item.documents),
        found=ParsedFindings(findings=found.findings, notes=(*found.notes, *lost)),
    )


class _DiffPaths:
    """Finds the paths of the diff in the forms in which models write them."""

    def __init__(self, paths: Collection[str]) -> None:
        self._paths = {json.dumps(path)[1:-1]: path for path in paths} | {path: path for path in paths}

    def path_of(self, name: str) -> str | None:
        """Return the path for `src/a.py`, `./src/a.py` or the diff's `b/src/a.py`; None if there is no such file."""
        return next(
            (
                self._paths[name[len(prefix) :]]
                for prefix in ("", "./", "b/", "a/", "/")
                if name.startswith(prefix) and name[len(prefix) :] in self._paths
            ),
            None,
        )


def _field(value: object, name: str) -> object:
    if not isinstance(value, dict):
        raise ModelInvalidOutput("The answer is not a JSON object.")
    if name not in value:
        raise ModelInvalidOutput(f"The answer has no `{name}`.")
    return value[name]  # pyright: ignore[reportUnknownVariableType]


def _validated(adapter: TypeAdapter[T], value: object, name: str) -> T:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, (name, *problem['loc'])))}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise ModelInvalidOutput("; ".join(problems[:MAX_PROBLEMS_NAMED])) from error


def _finding(item: FindingItem, path: str, stage: Stage) -> Finding:
    rule = rule_for(item.rule_id)
    suggestion = item.suggestion
    if suggestion is not None and _REDACTED in suggestion:
        suggestion = None  # applying it would replace the secret, which the model did not see, with the mark
    return Finding(
        stage=stage,
        severity=item.severity,
        rule_id=rule.id,
        cwe=rule.cwe,
        path=path,
        start_line=item.line,
        end_line=item.line,
        title=item.title,
        explanation=item.explanation,
        quote=item.quote,
        evidence=item.evidence,
        suggestion=suggestion,
        pre_existing=item.pre_existing,
    )


def _verdict(item: VerdictItem | None, id_: str) -> ParsedVerdict:
    if item is None:
        return ParsedVerdict(
            id=id_, judgement=Judgement.UNSURE, evidence="The verifier skipped this claim.", worth=0
        )
    return ParsedVerdict(
        id=id_,
        judgement=item.verdict,
        evidence=item.evidence,
        worth=item.worth,
        same_as=item.same_as,
        restated=item.restated,
    )
