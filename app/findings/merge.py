"""Makes one finding of what several reviewers say of the same defect. Pure; loses no finder.

The same defect: the same statement and family of rules, or overlapping lines and either the same family or much the
same title.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.finding import Finding, Placement, Severity
from app.domain.rules import OTHER, rule_for
from app.findings.finders import is_by_analyzers, vendors_of

SIMILAR_TITLES = 0.5  # share of the words of both titles that both have

_WORD = re.compile(r"\w+")
_SMALL_WORD_CHARACTERS = 3  # "of", "the", "in" say nothing of a defect


@dataclass(frozen=True, slots=True)
class Candidate:
    """One defect: the finding that is shown for it, and what each reviewer said."""

    finding: Finding
    members: tuple[Finding, ...]

    @property
    def by_analyzers(self) -> tuple[Finding, ...]:
        """What analysers said, in their own words."""
        return tuple(member for member in self.members if is_by_analyzers(member))


def merge(findings: Sequence[Finding]) -> tuple[Candidate, ...]:
    """One candidate for each defect, in the order in which they were first named."""
    groups: list[list[Finding]] = []
    for finding in findings:
        group = _group_of(finding, groups)
        if group is None:
            groups.append([finding])
        else:
            group.append(finding)
    return tuple(Candidate(united(group), tuple(group)) for group in groups)


def _group_of(finding: Finding, groups: Sequence[list[Finding]]) -> list[Finding] | None:
    """The group that speaks of the same statement, else one that speaks of the same defect."""
    for same in (_same_name, is_same):
        for group in groups:
            if any(same(finding, member) for member in group):
                return group
    return None


def is_same(one: Finding, other: Finding) -> bool:
    """Whether both speak of the same defect."""
    if one.path != other.path:
        return False
    if _same_name(one, other):
        return True
    if not _overlap(one, other):
        return False
    return _same_family(one, other) or _similar(one.title, other.title)


def united(group: Sequence[Finding]) -> Finding:
    """The best-worded of these, with all finders, the gravest severity and a suggestion if any has one for its lines.

    A model's words win over an analyser's; then the graver finding's, then those with a suggestion.
    """
    best = min(group, key=lambda each: (is_by_analyzers(each), each.severity.rank, each.suggestion is None))
    finders = tuple(dict.fromkeys(name for each in (best, *group) for name in each.found_by))
    return replace(
        best,
        severity=min((each.severity for each in group), key=lambda severity: Severity(severity).rank),
        cwe=best.cwe or next((each.cwe for each in group if each.cwe), None),
        suggestion=next(
            (each.suggestion for each in (best, *group) if each.suggestion and _same_lines(each, best)), None
        ),
        found_by=finders,
        confirmed_by=_independent(finders),
        pre_existing=all(each.pre_existing for each in group),
    )


def _independent(finders: Sequence[str]) -> tuple[str, ...]:
    """The finders of other vendors than the first: each confirms what the first one found."""
    first, *_ = (*vendors_of(finders), None)
    return tuple(name for name in finders if vendors_of([name]) not in ((), (first,)))


def _same_name(one: Finding, other: Finding) -> bool:
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


def _similar(one: str, other: str) -> bool:
    first, second = _title_words(one), _title_words(other)
    return bool(first | second) and len(first & second) / len(first | second) >= SIMILAR_TITLES


def _title_words(title: str) -> set[str]:
    return {word for word in _WORD.findall(title.lower()) if len(word) > _SMALL_WORD_CHARACTERS}
