"""Settles the claims of all stages: anchor, merge, verify, rank. Drops nothing without a reason; does no I/O itself.

The worth of a finding is the verifier's rating, not the finder's own severity, because models overrate their findings.
Severity is used only if there is no rating (`quorum: 1`, or no model).
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from app.domain.configuration import Profile, RepositoryConfig
from app.domain.diff import Diff, Side
from app.domain.file_rules import ChangeRules, rules_without_overrides
from app.domain.finding import (
    Finding,
    Placement,
    RejectedClaim,
    RejectionCode,
    SettlementCode,
    SettlementNote,
)
from app.domain.lookup import LookedUp
from app.domain.model_call import Provider, vendors_of
from app.findings.anchor import anchor, locate
from app.findings.finders import backers, is_by_analyzers, is_by_patterns
from app.findings.fingerprint import EnclosingSymbol, Fingerprinter
from app.findings.merge import merge
from app.findings.quotes import DiffIndex, HeadRuns
from app.findings.spread import show_spread_fixes
from app.findings.suggestion import CheckEdits, SourceOf, check_suggestions
from app.findings.verify import AskVerdicts, IsEstablished, nothing_is_established, verify


@dataclass(frozen=True, slots=True)
class ProfileLimits:
    """What a profile shows inline; None means no limit."""

    inline: int | None
    worth: int
    unshared_patterns: bool = False  # whether pattern findings that no model reported stay inline


LIMITS = {
    Profile.QUIET: ProfileLimits(inline=3, worth=7),
    Profile.NORMAL: ProfileLimits(inline=6, worth=5),
    Profile.THOROUGH: ProfileLimits(inline=None, worth=0, unshared_patterns=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedFindings:
    """The findings by worth, with final placements, and those below `min_severity`."""

    findings: tuple[Finding, ...]
    rejected: tuple[RejectedClaim, ...] = ()
    notes: tuple[SettlementNote, ...] = ()


IsRead = Callable[[Finding], bool]
"""Whether a model that answered has read the code of a finding."""


def nothing_is_read(finding: Finding) -> bool:
    """An `IsRead` for reviews without models."""
    del finding
    return False


def rank(
    findings: Sequence[Finding],
    config: RepositoryConfig,
    *,
    rules: ChangeRules | None = None,
    is_read: IsRead = nothing_is_read,
) -> RankedFindings:
    """Order findings, then place them: those over the profile's limits move to the summary.

    Except in `thorough`, pattern findings on code that a model read without reporting them also move. They keep their
    severity and count for the gate. `rules` has the settings of each file.
    """
    rules = rules or rules_without_overrides(config)
    severe_enough = [each for each in findings if each.severity.at_least(rules.of(each.path).min_severity)]
    unshared = [each for each in severe_enough if not LIMITS[rules.of(each.path).profile].unshared_patterns]
    unreported = [each for each in unshared if is_by_patterns(each) and is_read(each)]
    placed = [
        replace(each, placement=Placement.SUMMARY) if each in unreported else each for each in severe_enough
    ]
    return RankedFindings(
        findings=tuple(_placed(sorted(placed, key=_order), rules, max_inline=config.max_inline)),
        rejected=tuple(
            RejectedClaim(
                finding=each,
                code=RejectionCode.BELOW_MINIMUM,
                detail=rules.of(each.path).min_severity.value,
            )
            for each in findings
            if each not in severe_enough
        ),
        notes=_notes(unreported),
    )


def _notes(unreported: Sequence[Finding]) -> tuple[SettlementNote, ...]:
    if not unreported:
        return ()
    return (SettlementNote(code=SettlementCode.UNSHARED_PATTERNS, values=(str(len(unreported)),)),)


def _order(finding: Finding) -> tuple[int, int, int, int, str, int]:
    """Confirmed, then unrated, then analyzers' findings; then by worth, vendors, severity (if unrated), and place."""
    rated = finding.worth is not None
    group = 2 if is_by_analyzers(finding) else 0 if len(backers(finding)) > 1 else 1
    return (
        group,
        -(finding.worth or 0),
        -len(backers(finding)),
        0 if rated else finding.severity.rank,
        finding.path,
        finding.start_line,
    )


def _placed(findings: Sequence[Finding], rules: ChangeRules, *, max_inline: int | None) -> list[Finding]:
    """Keep inline what the profile of each file allows: each profile has its own limit, `max_inline` is for all of them."""
    shown: Counter[Profile] = Counter()
    placed: list[Finding] = []
    for finding in findings:
        profile = rules.of(finding.path).profile
        limit = LIMITS[profile]
        most, number = (limit.inline, shown[profile]) if max_inline is None else (max_inline, shown.total())
        is_inline = _is_commentable(finding, limit) and (most is None or number < most)
        is_inline = is_inline and not any(_same_place_other_vendor(finding, each) for each in placed)
        shown[profile] += is_inline
        placed.append(finding if is_inline else replace(finding, placement=Placement.SUMMARY))
    return placed


def _same_place_other_vendor(finding: Finding, better: Finding) -> bool:
    """Whether two vendors quote the same code: usually the cause and the effect of one defect, so one comment is enough.

    Two claims of one vendor about a line are two defects. Analyzers' findings are never suppressed.
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


def _is_commentable(finding: Finding, limit: ProfileLimits) -> bool:
    """Whether the finding gets its own comment, on a line or on a file."""
    if finding.placement is Placement.SUMMARY or finding.pre_existing:
        return False
    return finding.worth is None or finding.worth >= limit.worth


def _unfit_notes(findings: Sequence[Finding], unfit: Collection[str]) -> tuple[SettlementNote, ...]:
    """A note about the suggestions that became prose, if their findings are shown."""
    number = sum(finding.fingerprint in unfit for finding in findings)
    return (SettlementNote(code=SettlementCode.UNFIT_SUGGESTIONS, values=(str(number),)),) if number else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Findings in display order with final placements, and every other claim with its reason."""

    findings: tuple[Finding, ...]
    rejected: tuple[RejectedClaim, ...] = ()
    notes: tuple[SettlementNote, ...] = ()
    looked_up: tuple[LookedUp, ...] = ()  # by verifiers


async def settle(
    findings: Sequence[Finding],
    *,
    diff: Diff,
    config: RepositoryConfig,
    ask_verdicts: AskVerdicts,
    source_of: SourceOf,
    enclosing_symbol: EnclosingSymbol,
    check_edits: CheckEdits,
    vendors: Sequence[Provider],
    is_established: IsEstablished = nothing_is_established,
    is_read: IsRead = nothing_is_read,
    left_out: Collection[str] = (),
    rules: ChangeRules | None = None,
) -> Settlement:
    """Settle all claims of all stages and analyzers.

    Args:
        source_of: a file at the head (RIGHT) or the merge base (LEFT); None if it is unavailable.
        enclosing_symbol: of (path, source, line).
        check_edits: whether each suggestion, once applied, leaves a file that parses.
        vendors: the configured providers; those that the repository does not allow are skipped.
        is_established: whether parsing the code proved the finding, so that it needs no verification.
        is_read: whether a model that answered has read the code of a finding.
        left_out: changed files that no model saw; claims about them are guesses.
        rules: the settings of each file; None: the configuration has no overrides.
    """
    index = DiffIndex(diff)
    runs = HeadRuns(source_of)
    shown = await show_spread_fixes(findings, index, source_of=source_of, check_edits=check_edits)
    anchored = [anchor(finding, index) for finding in shown]
    located = [locate(finding, index, runs) for finding in anchored]
    nowhere = [
        replace(each, start_line=1, end_line=1)
        for each, found in zip(anchored, located, strict=True)
        if found is None
    ]
    checked = await check_suggestions(
        [finding for finding in located if finding], index, source_of=source_of, check_edits=check_edits
    )
    fingerprinter = Fingerprinter(index, source_of=source_of, enclosing_symbol=enclosing_symbol)
    named = fingerprinter.add_fingerprints([*(each.finding for each in checked), *nowhere])

    def symbol_of(finding: Finding) -> str | None:
        source = source_of(finding.path, finding.side)
        return enclosing_symbol(finding.path, source, finding.start_line) if source else None

    def rejection_code(finding: Finding) -> RejectionCode | None:
        if is_by_analyzers(finding):
            return None
        if finding.path in left_out or (rules and finding.stage not in rules.of(finding.path).stages):
            return RejectionCode.EXCLUDED_FILE
        return None if index.path_of(finding.path) else RejectionCode.OTHER_FILE

    codes = [
        rejection_code(each) or (RejectionCode.QUOTE_NOT_FOUND if number >= len(checked) else None)
        for number, each in enumerate(named)
    ]
    unknown = [
        RejectedClaim(finding=each, code=code) for each, code in zip(named, codes, strict=True) if code
    ]
    known = [each for each, code in zip(named, codes, strict=True) if code is None]
    verified = await verify(
        merge(known, symbol_of=symbol_of),
        quorum=config.quorum,
        vendors=list(dict.fromkeys(each.vendor for each in vendors if config.permits(each))),
        ask_verdicts=ask_verdicts,
        is_established=is_established,
        symbol_of=symbol_of,
    )
    ranked = rank(verified.findings, config, rules=rules, is_read=is_read)
    unfit = {named[number].fingerprint for number, each in enumerate(checked) if each.is_unfit}
    return Settlement(
        findings=ranked.findings,
        rejected=(
            *unknown,
            *verified.rejected,
            *ranked.rejected,
        ),
        notes=(*verified.notes, *ranked.notes, *_unfit_notes(ranked.findings, unfit)),
    )
