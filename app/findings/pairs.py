"""Proposes which claims of different vendors may be one defect, and joins those that a verifier calls the same. Pure.

Vendors often name one defect by different rules and words. Lines and symbols only propose; a model that reads the code decides.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from app.domain.finding import Finding, Placement
from app.domain.model_call import vendors_of
from app.findings.merge import SymbolOf

NEAR_LINES = 3  # apart, within one symbol

Comparisons = Mapping[str, Sequence[str]]
"""For each fingerprint, those of the other vendors' claims at the same place."""


def propose(findings: Sequence[Finding], symbol_of: SymbolOf) -> Comparisons:
    """Other vendors' claims about the same lines, or about lines nearby in the same symbol."""
    near: dict[str, list[str]] = {}
    for one, other in _close_pairs(findings):
        if not _may_be_one(one, other, symbol_of):
            continue
        near.setdefault(one.fingerprint, []).append(other.fingerprint)
        near.setdefault(other.fingerprint, []).append(one.fingerprint)
    return near


def groups_of(
    names: Sequence[str], same: Comparisons, vendors: Mapping[str, Sequence[str]]
) -> list[list[str]]:
    """The claims in groups of one defect each, in order. No vendor is twice in a group: its two claims are two defects."""
    groups: list[list[str]] = []
    for name in names:
        for group in groups:
            linked = any(other in same.get(name, ()) or name in same.get(other, ()) for other in group)
            if linked and not any(set(vendors[name]) & set(vendors[other]) for other in group):
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


def _close_pairs(findings: Sequence[Finding]) -> Iterator[tuple[Finding, Finding]]:
    """Pairs of models' inline claims in one file, at most `NEAR_LINES` apart."""
    places: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.placement is Placement.INLINE and vendors_of(finding.found_by):
            places.setdefault((finding.path, finding.side), []).append(finding)
    for group in places.values():
        for one, other in combinations(group, 2):
            if _distance(one, other) <= NEAR_LINES:
                yield one, other


def _may_be_one(one: Finding, other: Finding, symbol_of: SymbolOf) -> bool:
    if set(vendors_of(one.found_by)) & set(vendors_of(other.found_by)):
        return False
    symbol = symbol_of(one)
    return _distance(one, other) == 0 or (symbol is not None and symbol == symbol_of(other))


def _distance(one: Finding, other: Finding) -> int:
    """Lines between both; 0 if they overlap."""
    return max(one.start_line - other.end_line, other.start_line - one.end_line, 0)
