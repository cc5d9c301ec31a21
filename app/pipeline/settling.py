"""Settles the claims of all stages: connects the pure rules of `app.findings` to the change, the parser, and the models."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from app.analyzers.edits import check_edits
from app.domain.analysis import Analysis
from app.domain.diff import Side
from app.domain.finding import Finding, SettlementCode, SettlementNote, Stage, VerifierVerdict
from app.domain.lookup import LookedUp
from app.domain.model_call import Provider
from app.domain.review import StageResult
from app.findings.finders import is_by_analyzers
from app.findings.pairs import Comparisons
from app.findings.settle import Settlement, settle
from app.gather import Gathered
from app.stages import AskedAgain, StageContext, ask_verdicts, was_reviewed
from app.syntax import enclosing_symbol

MISSING_DOCUMENTATION = "missing-documentation"  # a rule of app/domain/rules.py


async def settle_results(
    results: Sequence[StageResult], gathered: Gathered, analysis: Analysis, context: StageContext
) -> Settlement:
    """Return the redacted findings of all stages, and the rejections with their reasons."""
    looked_up: list[LookedUp] = []
    asked_again: list[AskedAgain] = []

    async def ask(
        candidates: Sequence[Finding], excluded: Sequence[Provider], near: Comparisons
    ) -> Sequence[VerifierVerdict]:
        answer = await ask_verdicts(
            candidates,
            excluded,
            near=near,
            change=gathered.context,
            context=context,
            parents=finding_calls(results),
        )
        looked_up.extend(answer.looked_up)
        asked_again.append(answer.asked_again)
        return answer.verdicts

    settled = await settle(
        [finding for result in results for finding in result.findings],
        diff=gathered.context.diff,
        config=gathered.config,
        ask_verdicts=ask,
        source_of=_sources(gathered),
        enclosing_symbol=enclosing_symbol,
        check_edits=check_edits,
        vendors=context.models.providers,
        is_established=_established_by(analysis),
        is_read=lambda finding: was_reviewed(finding, results, gathered.context.chunks),
        left_out=_left_out(gathered),
        rules=gathered.rules,
    )
    invalid = [each for result in results for each in result.rejected]
    settled = replace(
        settled,
        rejected=(*invalid, *settled.rejected),
        notes=(*settled.notes, *_asked_again(sum(asked_again, AskedAgain()))),
        looked_up=tuple(looked_up),
    )
    return _redacted(settled, context.redactor.redact)


def finding_calls(results: Sequence[StageResult]) -> Mapping[Stage, tuple[str, ...]]:
    """Return the calls of each stage whose model found something; analyzers make no calls."""
    return {
        result.stage: result.call_ids
        for result in results
        if not all(is_by_analyzers(finding) for finding in result.findings)
    }


def _asked_again(asked: AskedAgain) -> tuple[SettlementNote, ...]:
    if not asked.claims:
        return ()
    values = (str(asked.claims), str(asked.decided))
    return (SettlementNote(code=SettlementCode.ASKED_AGAIN, values=values),)


def _left_out(gathered: Gathered) -> set[str]:
    """Changed files that the models did not see. Images are omitted from the text but shown."""
    shown = {image.path for image in gathered.context.images}
    return {omission.path for omission in gathered.coverage.omitted} - shown


def _sources(gathered: Gathered) -> Callable[[str, Side], str | None]:
    """Return a lookup of a changed file's text on a side; None if it has none."""
    contents = {(file.path, Side.RIGHT): file.head for file in gathered.changed_files}
    contents |= {(file.path, Side.LEFT): file.base for file in gathered.changed_files}

    def source_of(path: str, side: Side) -> str | None:
        content = contents.get((path, side))
        return None if content is None else content.decode("utf-8", "replace")

    return source_of


def _established_by(analysis: Analysis) -> Callable[[Finding], bool]:
    """Return a test for findings that parsing has already proved, so that no model has to verify them."""
    undocumented = {(symbol.path, symbol.line) for symbol in analysis.undocumented}

    def is_established(finding: Finding) -> bool:
        lines = range(finding.start_line, finding.end_line + 1)
        return finding.rule_id == MISSING_DOCUMENTATION and any(
            (finding.path, line) in undocumented for line in lines
        )

    return is_established


def _redacted(settled: Settlement, redact: Callable[[str], str]) -> Settlement:
    return replace(
        settled,
        findings=tuple(redact_finding(finding, redact) for finding in settled.findings),
        rejected=tuple(
            replace(each, finding=redact_finding(each.finding, redact)) for each in settled.rejected
        ),
    )


def redact_finding(finding: Finding, redact: Callable[[str], str]) -> Finding:
    """Return the finding without secrets, as it may be stored and shown."""
    return replace(
        finding,
        title=redact(finding.title),
        explanation=redact(finding.explanation),
        quote=redact(finding.quote),
        evidence=redact(finding.evidence),
        verifier_evidence=redact(finding.verifier_evidence),
        suggestion=redact(finding.suggestion) if finding.suggestion else None,
    )
