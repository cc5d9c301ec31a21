"""The way of a stage's claims to what is said: anchor, merge, verify, rank. No I/O; drops nothing without a reason."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.domain.configuration import RepositoryConfig
from app.domain.diff import Diff, Side
from app.domain.finding import Finding, Rejection
from app.domain.model_call import Provider
from app.findings.anchor import anchor, locate
from app.findings.finders import is_by_analyzers
from app.findings.fingerprint import EnclosingSymbol, Fingerprinter
from app.findings.index import DiffIndex
from app.findings.merge import merge
from app.findings.rank import IsRead, nothing_is_read, rank
from app.findings.suggestion import CountErrors, SourceOf, check_suggestion
from app.findings.verify import AskVerdicts, IsEstablished, nothing_is_established, verify

FOREIGN_PATH = "Speaks of a file that this change does not touch."
LEFT_OUT = "Speaks of a file that was left out of this review."


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Findings in the order in which they are shown, with their final placement; each other claim with its reason."""

    findings: tuple[Finding, ...]
    rejected: tuple[Rejection, ...] = ()
    notes: tuple[str, ...] = ()


async def settle(
    findings: Sequence[Finding],
    *,
    diff: Diff,
    config: RepositoryConfig,
    ask_verdicts: AskVerdicts,
    source_of: SourceOf,
    enclosing_symbol: EnclosingSymbol,
    count_errors: CountErrors,
    vendors: Sequence[Provider],
    is_established: IsEstablished = nothing_is_established,
    is_read: IsRead = nothing_is_read,
    left_out: Collection[str] = (),
) -> Settled:
    """All claims of all stages and analysers, settled.

    Args:
        source_of: a file at the head (RIGHT) or the merge base (LEFT); None where there is none to be had.
        enclosing_symbol: of (path, source, line).
        count_errors: syntax errors of (path, source); None where the language is unknown.
        vendors: the configured ones; those that the repository does not allow are not asked.
        is_established: whether parsing the code has shown what a finding says, so that it needs no verification.
        is_read: whether a model has read the code that a finding speaks of, and answered.
        left_out: changed files that were not shown to models: what one says of them is a guess.
    """
    index = DiffIndex(diff)
    anchored = (anchor(finding, index) for finding in findings)
    located = (locate(finding, source_of(finding.path, Side.RIGHT)) for finding in anchored)
    checked = [
        check_suggestion(finding, index, source_of=source_of, count_errors=count_errors)
        for finding in located
    ]
    named = Fingerprinter(index, source_of=source_of, enclosing_symbol=enclosing_symbol).name(checked)

    def symbol_of(finding: Finding) -> str | None:
        source = source_of(finding.path, finding.side)
        return enclosing_symbol(finding.path, source, finding.start_line) if source else None

    def why_not(finding: Finding) -> str | None:
        if is_by_analyzers(finding):
            return None
        if finding.path in left_out:
            return LEFT_OUT
        return None if index.path_of(finding.path) else FOREIGN_PATH

    unknown = [Rejection(finding=each, reason=reason) for each in named if (reason := why_not(each))]
    known = [finding for finding in named if why_not(finding) is None]
    verified = await verify(
        merge(known, symbol_of=symbol_of),
        quorum=config.quorum,
        vendors=[vendor for vendor in vendors if vendor in config.providers],
        ask_verdicts=ask_verdicts,
        is_established=is_established,
    )
    ranked = rank(verified.findings, config, is_read=is_read)
    return Settled(
        findings=ranked.findings,
        rejected=(
            *unknown,
            *verified.rejected,
            *ranked.rejected,
        ),
        notes=(*verified.notes, *ranked.notes),
    )
