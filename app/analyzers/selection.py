"""Turns hits into findings: only defects that the change introduces, each one once. No I/O.

A hit counts if it touches an added line and the base does not already have it. The comparison uses the rule and the normalized
text, so moved code is not new. Hits of one family on the same lines become one finding that names all its finders.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from app.analyzers.hits import Hit
from app.domain.diff import Side
from app.domain.finding import Finding, Severity, Stage
from app.domain.model_call import Provider
from app.domain.rules import rule_for

MAX_RANGE_LINES = 10
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
    known = Counter(_key(hit, base_lines) for hit in base_hits)
    touched = [hit for hit in hits if _added_within(hit, added)]
    untouched = Counter(_key(hit, lines) for hit in hits if not _added_within(hit, added))
    moved = known - untouched
    new = [hit for hit in touched if not _take(moved, _key(hit, lines))]
    anchored = [_on_added_lines(hit, added) for hit in new]
    return tuple(_finding(group, lines) for group in _grouped(anchored))


def stage_of(rule_id: str) -> Stage:
    """The stage that a rule belongs to."""
    family = rule_for(rule_id).family
    if family == "documentation":
        return Stage.DOCS
    return Stage.SECURITY if family in _SECURITY_FAMILIES else Stage.REVIEW


def _added_within(hit: Hit, added: Mapping[str, frozenset[int]]) -> list[int]:
    of_file = added.get(hit.path, frozenset())
    return [line for line in range(hit.start_line, hit.end_line + 1) if line in of_file]


def _key(hit: Hit, lines: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Rule and text without white space, which do not change when code moves."""
    text = lines.get(hit.path, ())[hit.start_line - 1 : hit.end_line]
    return hit.rule_id, "".join("".join(text).split())


def _take(counts: Counter[tuple[str, str]], key: tuple[str, str]) -> bool:
    if counts[key] <= 0:
        return False
    counts[key] -= 1
    return True


def _on_added_lines(hit: Hit, added: Mapping[str, frozenset[int]]) -> Hit:
    """The whole range if all of it is new and short, otherwise its last added line."""
    within = _added_within(hit, added)
    if len(within) == hit.end_line - hit.start_line + 1 <= MAX_RANGE_LINES:
        return hit
    return replace(hit, start_line=within[-1], end_line=within[-1], suggestion=None)


def _grouped(hits: Iterable[Hit]) -> list[list[Hit]]:
    """Group hits of one family whose ranges overlap, ordered by path and line."""
    groups: list[list[Hit]] = []
    for hit in sorted(hits, key=lambda one: (one.path, one.start_line, one.end_line)):
        group = next((one for one in reversed(groups) if _same_defect(one, hit)), None)
        if group is None:
            groups.append([hit])
        else:
            group.append(hit)
    return groups


def _same_defect(group: Sequence[Hit], hit: Hit) -> bool:
    first = group[0]
    return (
        first.path == hit.path
        and _defect_class(first.rule_id) == _defect_class(hit.rule_id)
        and any(one.start_line <= hit.end_line and hit.start_line <= one.end_line for one in group)
    )


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
