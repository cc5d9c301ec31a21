"""Turns hits into findings: only defects that the change introduces, each one once. No I/O.

A hit counts if it touches an added line and the base does not already have it. The comparison uses the rule and the normalized
text, so moved code is not new. Hits of one family on the same lines become one finding that names all its finders.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from app.analyzers.hits import Hit
from app.domain.diff import Side
from app.domain.finding import DuplicatePlace, Finding, Severity, Stage
from app.domain.model_call import Provider
from app.domain.rules import rule_for

MAX_RANGE_LINES = 10
MAX_REPEATS = 3  # findings with one statement; more become one finding
MAX_KEY_LINES = 40  # of a hit's text, to recognize it elsewhere
# If several tools report the same defect, the first of these gives the text: the most specific tool comes first.
_TOOL_ORDER = (
    "patterns",
    "secrets",
    "zizmor",
    "hidden",
    "dependencies",
    "hadolint",
    "shellcheck",
    "oxlint",
    "ruff",
)
_QUOTED = re.compile(r"`[^`]*`|\d+")
_SECURITY_FAMILIES = frozenset(
    {
        "injection",
        "xss",
        "path",
        "redirect",
        "ssrf",
        "xml",
        "csrf",
        "deserialization",
        "authorization",
        "authentication",
        "secret",
        "exposure",
        "crypto",
        "configuration",
        "workflow",
        "dependency",
        "hidden",
    }
)


def select(
    hits: Sequence[Hit],
    base_hits: Iterable[Hit],
    *,
    lines: Mapping[str, Sequence[str]],
    base_lines: Mapping[str, Sequence[str]],
    added: Mapping[str, frozenset[int]],
) -> tuple[Finding, ...]:
    """The findings that the change introduces, by path and line.

    `lines` and `base_lines` hold the files' lines by path; `added` the added line numbers of the head.
    """
    ordered = {path: sorted(numbers) for path, numbers in added.items()}
    known = Counter(_key(hit, base_lines) for hit in base_hits)
    touched = [hit for hit in hits if _added_within(hit, ordered)]
    untouched = Counter(_key(hit, lines) for hit in hits if not _added_within(hit, ordered))
    moved = known - untouched
    new = [hit for hit in touched if not _take(moved, _key(hit, lines))]
    anchored = [_on_added_lines(hit, ordered) for hit in new]
    return tuple(_without_repeats([_finding(group, lines) for group in _grouped(anchored)]))


def _without_repeats(findings: Sequence[Finding]) -> list[Finding]:
    """One finding for each defect that tools report more than a few times; it names the other places."""
    repeats: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        repeats.setdefault(_statement(finding), []).append(finding)
    kept: list[Finding] = []
    for first, *others in repeats.values():
        if len(others) < MAX_REPEATS:
            kept += [first, *others]
            continue
        places = tuple(DuplicatePlace(path=each.path, start_line=each.start_line) for each in others)
        kept.append(replace(first, duplicates=places))
    return sorted(kept, key=lambda each: (each.path, each.start_line, each.end_line))


def _statement(finding: Finding) -> tuple[object, ...]:
    """What a tool says, without the names in it."""
    title = _QUOTED.sub("", finding.title)
    return finding.stage, finding.severity, finding.rule_id, finding.found_by, title


def stage_of(rule_id: str) -> Stage:
    """The stage that a rule belongs to."""
    family = rule_for(rule_id).family
    if family == "documentation":
        return Stage.DOCS
    return Stage.SECURITY if family in _SECURITY_FAMILIES else Stage.REVIEW


def _added_within(hit: Hit, added: Mapping[str, Sequence[int]]) -> range:
    """The positions of the hit's added lines among all added lines of its file, which are in order."""
    of_file = added.get(hit.path, ())
    return range(bisect_left(of_file, hit.start_line), bisect_right(of_file, hit.end_line))


def _key(hit: Hit, lines: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Rule and text without white space, which do not change when code moves."""
    end_line = min(hit.end_line, hit.start_line + MAX_KEY_LINES - 1)
    text = lines.get(hit.path, ())[hit.start_line - 1 : end_line]
    return hit.rule_id, "".join("".join(text).split())


def _take(counts: Counter[tuple[str, str]], key: tuple[str, str]) -> bool:
    if counts[key] <= 0:
        return False
    counts[key] -= 1
    return True


def _on_added_lines(hit: Hit, added: Mapping[str, Sequence[int]]) -> Hit:
    """The whole range if all of it is new and short, otherwise its last added line."""
    within = _added_within(hit, added)
    if len(within) == hit.end_line - hit.start_line + 1 <= MAX_RANGE_LINES:
        return hit
    last = added[hit.path][within[-1]]
    return replace(hit, start_line=last, end_line=last, suggestion=None)


def _grouped(hits: Iterable[Hit]) -> list[list[Hit]]:
    """Group hits of one family whose ranges overlap, ordered by path and line."""
    groups: list[list[Hit]] = []
    open_groups: dict[tuple[str, str], tuple[int, list[Hit]]] = {}  # the last line and the hits
    for hit in sorted(hits, key=lambda one: (one.path, one.start_line, one.end_line)):
        key = (hit.path, _defect_class(hit.rule_id))
        last_line, group = open_groups.get(key, (0, []))
        if last_line < hit.start_line:
            group = list[Hit]()
            groups.append(group)
        group.append(hit)
        open_groups[key] = (max(last_line, hit.end_line), group)
    return groups


def _defect_class(rule_id: str) -> str:
    """The family; for families with unrelated defects, such as injection, the rule itself."""
    family = rule_for(rule_id).family
    return rule_id if family in {"injection", "api", "logic"} else family


def _finding(group: Sequence[Hit], lines: Mapping[str, Sequence[str]]) -> Finding:
    lead = min(group, key=_tool_rank)
    worst = min((hit.severity for hit in group), key=lambda severity: severity.rank)
    rule = rule_for(lead.rule_id)
    quote = lines.get(lead.path, ())[lead.start_line - 1 : lead.end_line]
    return Finding(
        stage=stage_of(rule.id),
        severity=Severity(worst),
        rule_id=rule.id,
        cwe=rule.cwe,
        path=lead.path,
        start_line=lead.start_line,
        end_line=lead.end_line,
        side=Side.RIGHT,
        title=lead.title,
        explanation=lead.explanation,
        quote="\n".join(quote),
        suggestion=lead.suggestion,
        found_by=tuple(
            dict.fromkeys(f"{Provider.ANALYZERS}:{hit.tool}" for hit in sorted(group, key=_tool_rank))
        ),
    )


def _tool_rank(hit: Hit) -> tuple[int, int]:
    order = _TOOL_ORDER.index(hit.tool) if hit.tool in _TOOL_ORDER else len(_TOOL_ORDER)
    return order, hit.severity.rank
