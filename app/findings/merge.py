"""Merges claims of several reviewers about the same defect into one. Pure; keeps all finders.

Claims are about the same defect if they have the same statement and rule family, or overlapping lines and either the
same family or similar titles. Claims of different vendors at different lines of one function also merge if they share
a family and each vendor makes only one, because two claims of one vendor are two defects.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.domain.finding import Finding, Placement, Severity
from app.domain.model_call import vendor_of, vendors_of
from app.domain.rules import OTHER, rule_for
from app.findings.finders import is_by_analyzers

SIMILAR_TITLE_OVERLAP = 0.5  # minimum share of words that both titles have
MIN_TITLE_OVERLAP = 0.2  # enough if function and family are the same but rule and line differ

SymbolOf = Callable[[Finding], str | None]
"""The function or class around a finding's lines; None if there is none or it is unknown."""

_WORD = re.compile(r"\w+")
_SMALL_WORD_CHARACTERS = 3  # ignores "of", "the", "in"


@dataclass(frozen=True, slots=True)
class MergedClaim:
    """One defect: the finding that represents it, and the claims that were merged."""

    finding: Finding
    members: tuple[Finding, ...]

    @property
    def by_analyzers(self) -> tuple[Finding, ...]:
        """The analyzers' own findings."""
        return tuple(member for member in self.members if is_by_analyzers(member))


def in_no_symbol(finding: Finding) -> None:
    """A `SymbolOf` for callers that cannot read the code."""
    del finding


def merge(findings: Sequence[Finding], *, symbol_of: SymbolOf = in_no_symbol) -> tuple[MergedClaim, ...]:
    """One candidate for each defect, in the order of the first claims."""
    groups = _groups(findings)
    places = [_place_of(group, symbol_of) or (str(number),) for number, group in enumerate(groups)]
    near: dict[tuple[str, ...], list[list[Finding]]] = {}
    for place, group in zip(places, groups, strict=True):
        near.setdefault(place, []).append(group)
    candidates: list[MergedClaim] = []
    for place, group in zip(places, groups, strict=True):
        if not _are_one(near[place]):
            candidates.append(MergedClaim(merged_finding(group), tuple(group)))
        elif group is near[place][0]:
            candidates.append(_joined(near[place]))
    return tuple(candidates)


def _groups(findings: Sequence[Finding]) -> list[list[Finding]]:
    """The claims by defect. Each claim is compared only with claims that share a key, so thousands of claims take linear time."""
    groups: list[list[Finding]] = []
    numbers: dict[tuple[object, ...], dict[int, None]] = {}  # key → numbers of groups, in order
    for finding in findings:
        number = _group_of(finding, groups, numbers)
        if number is None:
            number = len(groups)
            groups.append([])
        groups[number].append(finding)
        for key in (("fingerprint", finding.fingerprint), *_place_keys(finding)):
            numbers.setdefault(key, {})[number] = None
    return groups


def _place_keys(finding: Finding) -> list[tuple[object, ...]]:
    """Findings that overlap share one of these keys."""
    if finding.placement is not Placement.INLINE:
        return [(finding.path,)]
    return [(finding.path, finding.side, line) for line in range(finding.start_line, finding.end_line + 1)]


def _place_of(group: Sequence[Finding], symbol_of: SymbolOf) -> tuple[str, ...] | None:
    """Function and family of a group of claims; None if there is no line, no function, or no family."""
    representative = merged_finding(group)
    symbol = symbol_of(representative) if representative.placement is Placement.INLINE else None
    family = rule_for(representative.rule_id).family
    if not symbol or is_by_analyzers(representative) or family == rule_for(OTHER).family:
        return None
    return representative.path, representative.side, symbol, family


def _are_one(groups: Sequence[Sequence[Finding]]) -> bool:
    """Whether groups of one function and family are one defect: no vendor made two claims, and all are related to the first."""
    finders = [
        vendor for group in groups for vendor in {vendor_of(n) for each in group for n in each.found_by}
    ]
    first, *others = (merged_finding(group) for group in groups)
    return len(finders) == len(set(finders)) and all(_is_related(first, other) for other in others)


def _is_related(one: Finding, other: Finding) -> bool:
    same_rule = rule_for(one.rule_id) == rule_for(other.rule_id)
    return same_rule or _similar(one.title, other.title, share=MIN_TITLE_OVERLAP)


def _joined(groups: Sequence[Sequence[Finding]]) -> MergedClaim:
    """One candidate at the lines that most vendors name, or else at the shortest range."""
    best = min(groups, key=_precision)
    members = tuple(each for group in groups for each in group)
    return MergedClaim(merged_finding(members, preferred=best), members)


def _precision(group: Sequence[Finding]) -> tuple[int, int]:
    representative = merged_finding(group)
    return -len(vendors_of(representative.found_by)), representative.end_line - representative.start_line


def _group_of(
    finding: Finding,
    groups: Sequence[list[Finding]],
    numbers: Mapping[tuple[object, ...], Mapping[int, None]],
) -> int | None:
    """The number of the group with the same fingerprint, or else of the first one about the same defect."""
    if finding.fingerprint and (same := numbers.get(("fingerprint", finding.fingerprint))):
        return next(iter(same))
    near = sorted({number for key in _place_keys(finding) for number in numbers.get(key, ())})
    return next((number for number in near if any(is_same(finding, each) for each in groups[number])), None)


def is_same(one: Finding, other: Finding) -> bool:
    """Whether both are about the same defect."""
    if one.path != other.path:
        return False
    if _same_fingerprint(one, other):
        return True
    if not _overlap(one, other):
        return False
    return _same_family(one, other) or _similar(one.title, other.title)


def merged_finding(group: Sequence[Finding], *, preferred: Sequence[Finding] = ()) -> Finding:
    """Merge findings: the best text (from `preferred` if given), all finders, the highest severity, and a fitting suggestion.

    A model's text wins over an analyzer's; then a known rule wins, the higher severity, and a text with a suggestion.
    """
    best = min(
        preferred or group,
        key=lambda each: (
            is_by_analyzers(each),
            each.rule_id == OTHER,
            each.severity.rank,
            each.suggestion is None,
        ),
    )
    finders = tuple(dict.fromkeys(name for each in (best, *group) for name in each.found_by))
    return replace(
        best,
        severity=min((each.severity for each in group), key=lambda severity: Severity(severity).rank),
        cwe=best.cwe or next((each.cwe for each in group if each.cwe), None),
        suggestion=next(
            (each.suggestion for each in (best, *group) if each.suggestion and _same_lines(each, best)), None
        ),
        found_by=finders,
        confirmed_by=(),
        pre_existing=all(each.pre_existing for each in group),
        explains_check=next((each.explains_check for each in (best, *group) if each.explains_check), ""),
        duplicates=tuple(dict.fromkeys(place for each in group for place in each.duplicates)),
    )


def _same_fingerprint(one: Finding, other: Finding) -> bool:
    return bool(one.fingerprint) and one.fingerprint == other.fingerprint


def _overlap(one: Finding, other: Finding) -> bool:
    if Placement.INLINE not in (one.placement, other.placement):
        return True
    return (
        one.placement == other.placement
        and one.side == other.side
        and one.start_line <= other.end_line
        and other.start_line <= one.end_line
    )


def _same_family(one: Finding, other: Finding) -> bool:
    family = rule_for(one.rule_id).family
    named = Placement.INLINE in (one.placement, other.placement) and family != rule_for(OTHER).family
    return named and family == rule_for(other.rule_id).family


def _same_lines(one: Finding, other: Finding) -> bool:
    return (one.start_line, one.end_line, one.side) == (other.start_line, other.end_line, other.side)


def _similar(one: str, other: str, *, share: float = SIMILAR_TITLE_OVERLAP) -> bool:
    first, second = _title_words(one), _title_words(other)
    return bool(first | second) and len(first & second) / len(first | second) >= share


def _title_words(title: str) -> set[str]:
    return {word for word in _WORD.findall(title.lower()) if len(word) > _SMALL_WORD_CHARACTERS}
