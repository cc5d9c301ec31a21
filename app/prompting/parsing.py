"""Turns a model's answer into domain values. An invalid item is rejected alone, and everything dropped is said."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from app.domain.finding import (
    AcceptancePoint,
    ComponentEdge,
    FileSummary,
    Finding,
    Judgement,
    RejectedClaim,
    RejectionCode,
    Severity,
    Stage,
    Walkthrough,
)
from app.domain.lookup import MAX_LOOKUP_CHARACTERS, CodeLookup
from app.domain.rules import own_word, rule_for
from app.errors import ModelInvalidOutput
from app.prompting.items import (
    DocumentItem,
    EdgeItem,
    FileItem,
    FindingItem,
    InvalidItem,
    Item,
    LookupItem,
    PointItem,
    VerdictItem,
    is_object,
    read_items,
)

MAX_FINDINGS = 50  # of one answer; more would bury the important ones
MAX_TITLE_CHARACTERS = 300
MAX_LOOKUPS = 5  # of one answer
MAX_POINTS = 20  # of what issues ask for, in one answer
UNTITLED, NOWHERE = "(no title)", "(no file)"

_REDACTED = "[REDACTED"  # how redaction marks a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFindings:
    """Findings without their finder, the items that are no valid finding, and a sentence for each other dropped item."""

    findings: tuple[Finding, ...]
    rejected: tuple[RejectedClaim, ...] = ()
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


def parse_findings(value: object, *, stage: Stage, paths: Collection[str]) -> ParsedFindings:
    """Parse the array `findings` of an answer; `paths` are those of the diff.

    An unknown path stays unchanged, because the quote may identify the file. An invalid item is rejected with the reason.

    Raises:
        ModelInvalidOutput: the array is missing, or none of its items is valid.
    """
    items, invalid = read_items(FindingItem, _field(value, "findings"), "findings")
    named = _DiffPaths(paths)
    notes: list[str] = []
    if len(items) > MAX_FINDINGS:
        notes.append(f"{len(items) - MAX_FINDINGS} findings beyond the first {MAX_FINDINGS} were dropped.")
    findings = (_finding(item, named.path_of(item.path) or item.path, stage) for item in items[:MAX_FINDINGS])
    rejected = (_rejected(item, stage) for item in invalid[:MAX_FINDINGS])
    return ParsedFindings(findings=tuple(findings), rejected=tuple(rejected), notes=tuple(notes))


def parse_verdicts(value: object, *, ids: Sequence[str]) -> tuple[ParsedVerdict, ...]:
    """Parse one verdict for each of `ids`, in order; without a valid one, or with two different ones, a claim is `unsure`.

    Raises:
        ModelInvalidOutput: the array is missing, or decides no candidate.
    """
    items, invalid = read_items(VerdictItem, _field(value, "verdicts"), "verdicts")
    known = {item.id: item for item in items if item.id in ids}
    unusable = {str(item.value.get("id")): f"The verdict is not valid: {item.reason}" for item in invalid}
    unusable |= {
        item.id: "The verifier gave two different verdicts."
        for item in items
        if item.id in known and item.verdict != known[item.id].verdict
    }
    if ids and not set(known) - set(unusable):
        raise ModelInvalidOutput("verdicts: none of the claims has one valid verdict; use their ids.")
    return tuple(
        _unsure(id_, unusable.get(id_, "The verifier skipped this claim."))
        if id_ in unusable or id_ not in known
        else _verdict(known[id_])
        for id_ in ids
    )


def parse_lookups(value: object) -> tuple[CodeLookup, ...]:
    """Parse what a model wants to see before it answers; anything that is no look-up is ignored, and so are repetitions."""
    listed = value.get("lookups") if is_object(value) else None
    if not listed:
        return ()
    try:
        items, _ = read_items(LookupItem, listed, "lookups")
    except ModelInvalidOutput:
        return ()
    asked = (
        CodeLookup(
            kind=item.kind,
            name=_bounded(item.name),
            path=_bounded(item.path),
            start_line=item.start_line,
            end_line=item.end_line,
        )
        for item in items
    )
    return tuple(dict.fromkeys(asked))[:MAX_LOOKUPS]


def _bounded(text: str | None) -> str | None:
    """The text; of one that is too long, enough to see that it is."""
    return text[: MAX_LOOKUP_CHARACTERS + 1] if text else text


def wants_lookups(value: object) -> bool:
    """Whether an answer asks to see more, validly or not."""
    return is_object(value) and isinstance(value.get("lookups"), list) and bool(value["lookups"])


def parse_docs(value: object, *, stage: Stage, paths: Collection[str]) -> ParsedDocs:
    """Parse the walkthrough, documents and findings of the docs stage; an invalid part is dropped with a note.

    Raises:
        ModelInvalidOutput: the array `findings` is missing, or none of its items is valid.
    """
    found = parse_findings(value, stage=stage, paths=paths)
    notes = list(found.notes)
    rows = _optional(FileItem, value, "files", notes)
    edges = _optional(EdgeItem, value, "edges", notes)
    documents = _optional(DocumentItem, value, "documents", notes)
    points = _optional(PointItem, value, "acceptance", notes)
    named = _DiffPaths(paths)
    files = [(named.path_of(row.path), row) for row in rows]
    notes += [
        f"A row of the walkthrough was dropped: {row.path!r} is not in the diff."
        for path, row in files
        if path is None
    ]
    summary = value.get("summary") if is_object(value) else None
    walkthrough = Walkthrough(
        summary=summary if isinstance(summary, str) else "",
        files=tuple(FileSummary(path=path, change=row.change) for path, row in files if path is not None),
        edges=tuple(
            ComponentEdge(source=each.source, target=each.target, label=each.label) for each in edges
        ),
        acceptance=tuple(_point(each, named) for each in points[:MAX_POINTS]),
    )
    return ParsedDocs(
        walkthrough=walkthrough if walkthrough.summary or walkthrough.acceptance else None,
        documents=tuple((document.title, document.content) for document in documents),
        found=replace(found, notes=tuple(notes)),
    )


def _point(item: PointItem, named: "_DiffPaths") -> AcceptancePoint:
    """Return the point; a place outside the diff is dropped."""
    path = named.path_of(item.path) if item.path else None
    return AcceptancePoint(
        issue=item.issue,
        point=item.point[:MAX_TITLE_CHARACTERS],
        status=item.status,
        path=path,
        line=item.line if path else None,
    )


def _optional(kind: type[Item], value: object, name: str, notes: list[str]) -> list[Item]:
    """The valid items of an array that may be missing; adds a note about the others."""
    try:
        items, invalid = read_items(kind, _field(value, name), name)
    except ModelInvalidOutput:
        present = is_object(value) and value.get(name)
        notes += [f"The model's `{name}` are not valid and were dropped."] if present else []
        return []
    if invalid:
        notes.append(f"{len(invalid)} of the model's `{name}` are not valid and were dropped.")
    return items


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
    if not is_object(value):
        raise ModelInvalidOutput("The answer is not a JSON object.")
    if name not in value:
        raise ModelInvalidOutput(f"The answer has no `{name}`.")
    return value[name]


def _finding(item: FindingItem, path: str, stage: Stage) -> Finding:
    rule = rule_for(item.rule_id)
    suggestion = item.suggestion
    if suggestion is not None and _REDACTED in suggestion:
        suggestion = None  # applying it would replace the secret, which the model did not see, with the mark
    return Finding(
        stage=stage,
        severity=item.severity,
        rule_id=rule.id,
        own_rule=own_word(item.rule_id),
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
        explains_check=item.explains_check or "",
    )


def _rejected(item: InvalidItem, stage: Stage) -> RejectedClaim:
    """An invalid item as a claim, with what can be read of it."""

    def text(name: str) -> str:
        found = item.value.get(name)
        return found if isinstance(found, str) else ""

    title = text("title").strip() or text("explanation").strip() or text("quote").strip()
    finding = Finding(
        stage=stage,
        severity=Severity.INFO,
        rule_id=rule_for(text("rule_id")).id,
        path=text("path") or NOWHERE,
        start_line=1,
        end_line=1,
        title=title[:MAX_TITLE_CHARACTERS] or UNTITLED,
        explanation=text("explanation"),
        quote=text("quote"),
    )
    return RejectedClaim(finding=finding, code=RejectionCode.INVALID, detail=item.reason)


def _verdict(item: VerdictItem) -> ParsedVerdict:
    return ParsedVerdict(
        id=item.id,
        judgement=item.verdict,
        evidence=item.evidence,
        worth=item.worth,
        same_as=item.same_as,
        restated=item.restated,
    )


def _unsure(id_: str, evidence: str) -> ParsedVerdict:
    return ParsedVerdict(id=id_, judgement=Judgement.UNSURE, evidence=evidence, worth=0)
