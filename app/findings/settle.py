"""Settles claims."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from app.domain.configuration import Profile, RepositoryConfig
from app.domain.diff import Diff, Side
from app.domain.finding import (
    Finding,
    Placement,
    RejectedClaim,
    RejectionCode,
    SettlementCode,
    SettlementNote,
)
from app.domain.model_call import Provider
from app.findings.anchor import anchor, locate
from app.findings.finders import backers, is_by_analyzers, is_by_patterns, vendors_of
from app.findings.fingerprint import EnclosingSymbol, Fingerprinter
from app.findings.merge import merge
from app.findings.quotes import DiffIndex
from app.findings.suggestion import CountErrors, SourceOf, check_suggestion
from app.findings.verify import AskVerdicts, IsEstablished, nothing_is_established, verify


@dataclass(frozen=True, slots=True)
class ProfileLimits:
    """How much a profile lets through to the lines of the diff; None: no limit."""

    inline: int | None
    worth: int
    unshared_patterns: bool = False  # what only a pattern found on code that a model has read


LIMITS = {
    Profile.QUIET: ProfileLimits(inline=3, worth=7),
    Profile.NORMAL: ProfileLimits(inline=6, worth=5),
    Profile.THOROUGH: ProfileLimits(inline=None, worth=0, unshared_patterns=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedFindings:
    """The findings, worthiest first, each with its final placement; and those below `min_severity`."""

    findings: tuple[Finding, ...]
    rejected: tuple[RejectedClaim, ...] = ()
    notes: tuple[SettlementNote, ...] = ()


IsRead = Callable[[Finding], bool]
"""Whether a model has read the code that a finding speaks of, and answered."""


def nothing_is_read(finding: Finding) -> bool:
    """For a review without models."""
    del finding
    return False


def rank(
    findings: Sequence[Finding], config: RepositoryConfig, *, is_read: IsRead = nothing_is_read
) -> RankedFindings:
    """Order, then place: what exceeds the profile's limits moves to the summary, where it stays complete.

    So does, but in `thorough`, what only a pattern found where a model has read the code and did not find it too. Its
    severity and its part in the gate stay, whatever a model says or does not say.
    """
    wanted = [each for each in findings if each.severity.at_least(config.min_severity)]
    unshared = () if LIMITS[config.profile].unshared_patterns else wanted
    below = [each for each in unshared if is_by_patterns(each) and is_read(each)]
    placed = [replace(each, placement=Placement.SUMMARY) if each in below else each for each in wanted]
    return RankedFindings(
        findings=tuple(_placed(sorted(placed, key=_order), config)),
        rejected=tuple(
            RejectedClaim(finding=each, code=RejectionCode.BELOW_MINIMUM, detail=config.min_severity.value)
            for each in findings
            if each not in wanted
        ),
        notes=_notes(below),
    )


def _notes(below: Sequence[Finding]) -> tuple[SettlementNote, ...]:
    if not below:
        return ()
    return (SettlementNote(code=SettlementCode.UNSHARED_PATTERNS, values=(str(len(below)),)),)


def _order(finding: Finding) -> tuple[int, int, int, int, str, int]:
    """Confirmed before unrated before analysers' own; then worth, vendors, severity (only where unrated), place."""
    rated = finding.worth is not None
    group = 2 if is_by_analyzers(finding) else 0 if finding.confirmed_by else 1
    return (
        group,
        -(finding.worth or 0),
        -len(backers(finding)),
        0 if rated else finding.severity.rank,
        finding.path,
        finding.start_line,
    )


def _placed(findings: Sequence[Finding], config: RepositoryConfig) -> list[Finding]:
    limit = LIMITS[config.profile]
    room = limit.inline if config.max_inline is None else config.max_inline
    placed: list[Finding] = []
    for finding in findings:
        speaks_up = _speaks_up(finding, limit) and (room is None or room > 0)
        speaks_up = speaks_up and not any(_same_place_other_vendor(finding, each) for each in placed)
        if speaks_up and room is not None:
            room -= 1
        placed.append(finding if speaks_up else replace(finding, placement=Placement.SUMMARY))
    return placed


def _same_place_other_vendor(finding: Finding, better: Finding) -> bool:
    """Two vendors on the very same quote mostly mean one defect, by cause and by effect: one comment speaks of it.

    One vendor that says two things of a line means two. What analysers say is not held back.
    """
    finders, others = vendors_of(finding.found_by), vendors_of(better.found_by)
    return (
        better.placement is Placement.INLINE is finding.placement
        and _place(finding) == _place(better)
        and bool(finders and others)
        and not set(finders) & set(others)
    )


def _place(finding: Finding) -> tuple[str, Side, int, int, str]:
    return finding.path, finding.side, finding.start_line, finding.end_line, " ".join(finding.quote.split())


def _speaks_up(finding: Finding, limit: ProfileLimits) -> bool:
    """Whether it deserves a place of its own; a comment on a file counts like one on a line."""
    if finding.placement is Placement.SUMMARY or finding.pre_existing:
        return False
    return finding.worth is None or finding.worth >= limit.worth


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Findings in the order in which they are shown, with their final placement; each other claim with its reason."""

    findings: tuple[Finding, ...]
    rejected: tuple[RejectedClaim, ...] = ()
    notes: tuple[SettlementNote, ...] = ()


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
) -> Settlement:
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

    def why_not(finding: Finding) -> RejectionCode | None:
        if is_by_analyzers(finding):
            return None
        if finding.path in left_out:
            return RejectionCode.EXCLUDED_FILE
        return None if index.path_of(finding.path) else RejectionCode.OTHER_FILE

    unknown = [RejectedClaim(finding=each, code=code) for each in named if (code := why_not(each))]
    known = [finding for finding in named if why_not(finding) is None]
    verified = await verify(
        merge(known, symbol_of=symbol_of),
        quorum=config.quorum,
        vendors=[vendor for vendor in vendors if vendor in config.providers],
        ask_verdicts=ask_verdicts,
        is_established=is_established,
    )
    ranked = rank(verified.findings, config, is_read=is_read)
    return Settlement(
        findings=ranked.findings,
        rejected=(
            *unknown,
            *verified.rejected,
            *ranked.rejected,
        ),
        notes=(*verified.notes, *ranked.notes),
    )
