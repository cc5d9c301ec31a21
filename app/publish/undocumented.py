"""Missing documentation as one table of the docs part. Except in the profile `thorough` it is no finding and counts nowhere."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from app.domain.analysis import UndocumentedSymbol
from app.domain.configuration import Profile
from app.domain.file_rules import ChangeRules
from app.domain.finding import Document, Finding, RejectedClaim, RejectionCode, Stage
from app.domain.model_call import Provider
from app.domain.review import StageResult, StageStatus
from app.publish.blocks import code_span, details, fence, table
from app.publish.markdown import clean_line
from app.publish.text import Redact
from app.publish.wording import count

RULE = "missing-documentation"  # of app/domain/rules.py
TITLE = "Missing documentation"
_MAX_ROWS = 100
_MAX_SUGGESTIONS = 40


def is_table_row(finding: Finding, rules: ChangeRules) -> bool:
    """Whether the finding is a row of the table and no finding of the review."""
    return finding.rule_id == RULE and rules.of(finding.path).profile is not Profile.THOROUGH


def without_undocumented(findings: Iterable[Finding], rules: ChangeRules) -> tuple[Finding, ...]:
    """The findings of the review."""
    return tuple(finding for finding in findings if not is_table_row(finding, rules))


def without_undocumented_claims(
    rejected: Iterable[RejectedClaim], rules: ChangeRules
) -> tuple[RejectedClaim, ...]:
    """The rejected claims, without those that are rows of the table because only their severity was too low."""
    return tuple(each for each in rejected if not _is_low_row(each, rules))


def with_undocumented(
    results: Sequence[StageResult],
    findings: Iterable[Finding],
    rejected: Iterable[RejectedClaim],
    *,
    symbols: Iterable[UndocumentedSymbol],
    rules: ChangeRules,
) -> tuple[StageResult, ...]:
    """The results with the table as a document of the docs stage, if there is something to list.

    Args:
        symbols: what the analyzers found; listed where no model answered for the whole docs stage.
    """
    low = (each.finding for each in rejected if _is_low_row(each, rules))
    rows = [
        (each.path, each.start_line, each.title, each.suggestion or "")
        for each in (*findings, *low)
        if is_table_row(each, rules)
    ]
    places = {(path, line) for path, line, *_ in rows}
    known = [
        (each.path, each.line, f"The {each.kind} {each.name} has no documentation", "")
        for each in symbols
        if (each.path, each.line) not in places
    ]
    return tuple(
        _with_table(result, [*rows, *known] if _is_without_model(result) else rows)
        if result.stage is Stage.DOCS
        else result
        for result in results
    )


def _is_without_model(result: StageResult) -> bool:
    return result.provider is Provider.ANALYZERS or result.status is StageStatus.FAILED


def _with_table(result: StageResult, rows: Sequence[tuple[str, int, str, str]]) -> StageResult:
    return replace(result, documents=(*result.documents, _document(rows))) if rows else result


def _is_low_row(rejected: RejectedClaim, rules: ChangeRules) -> bool:
    return rejected.code is RejectionCode.BELOW_MINIMUM and is_table_row(rejected.finding, rules)


def _document(missing: Sequence[tuple[str, int, str, str]]) -> Document:
    rows = tuple((f"{path}:{line}", title, suggestion) for path, line, title, suggestion in sorted(missing))
    lines = [
        f"- {code_span(place)}: {' '.join(title.split())}{f'{chr(10)}{fence(suggestion)}' if suggestion else ''}"
        for place, title, suggestion in rows
    ]
    return Document(format="markdown", title=TITLE, content="\n".join(lines), rows=rows)


def render_rows(document: Document, *, redact: Redact) -> str:
    """The table, folded, with the suggestions below it."""
    shown = document.rows[:_MAX_ROWS]
    cells = [
        (code_span(place), clean_line(title, redact=redact, max_characters=160)) for place, title, _ in shown
    ]
    parts = [table(("Location", "Missing"), cells)]
    suggested = [(place, suggestion) for place, _, suggestion in shown if suggestion.strip()]
    for place, suggestion in suggested[:_MAX_SUGGESTIONS]:
        language = place.rpartition(":")[0].rpartition(".")[2]
        parts.append(f"{code_span(place)}\n\n{fence(redact(suggestion), language)}")
    left = len(document.rows) - len(shown)
    if left:
        parts.append(f"… and {count(left, 'more name')} without documentation.")
    return details(f"{TITLE} ({len(document.rows):,})", "\n\n".join(parts))
