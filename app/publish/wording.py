"""Shared words and phrases: severities, locations, counts, sources, usage, permissions."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from app.domain.finding import DuplicatePlace, Finding, Severity, Stage
from app.domain.model_call import Provider, vendors_of
from app.domain.review import UsageTotal
from app.domain.rules import OTHER
from app.publish.blocks import code_span
from app.publish.text import escape_text, show_invisible

BADGES = {
    Severity.CRITICAL: "🔴 Critical",
    Severity.HIGH: "🟠 High",
    Severity.MEDIUM: "🟡 Medium",
    Severity.LOW: "🔵 Low",
    Severity.INFO: "⚪ Info",
}
_VENDORS: Mapping[str, str] = {
    Provider.CLAUDE: "Claude",
    Provider.GPT: "GPT",
    Provider.GEMINI: "Gemini",
    Provider.LOCAL: "local model",
}


def check_name(stage: Stage) -> str:
    """The name of a stage's check run."""
    return f"quorum/{stage}"


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`, `1,200 files`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def severity_counts(findings: Iterable[Finding]) -> str:
    """`1 critical, 2 medium`, most severe first; empty without findings."""
    counted = Counter(finding.severity for finding in findings)
    return ", ".join(f"{counted[severity]} {severity}" for severity in Severity if counted[severity])


def count_findings(findings: Sequence[Finding], *, new: bool = False) -> str:
    """`1 critical finding`, `3 new findings (1 critical, 2 medium)`."""
    counts = severity_counts(findings)
    adjective = "new " if new else ""
    if "," in counts:
        return f"{count(len(findings), f'{adjective}finding')} ({counts})"
    return count(len(findings), f"{adjective}{counts.partition(' ')[2]} finding")


def capitalized(words: str) -> str:
    """The words with a capital letter at the start."""
    return f"{words[:1].upper()}{words[1:]}"


def clean_cwe(cwe: str | None) -> str:
    """`CWE-89`, or an empty string if it is not a CWE number."""
    return cwe if cwe and re.fullmatch(r"CWE-\d{1,5}", cwe) else ""


def rule_name(finding: Finding) -> str:
    """`sql-injection`; `other: busy-loop` for a model's word outside of the vocabulary."""
    return (
        f"{OTHER}: {finding.own_rule}" if finding.rule_id == OTHER and finding.own_rule else finding.rule_id
    )


def describe_lines(finding: Finding) -> str:
    """`line 8` or `lines 8–10`; says so if the lines are from the base version."""
    span = (
        f"line {finding.start_line}"
        if finding.start_line == finding.end_line
        else f"lines {finding.start_line}–{finding.end_line}"
    )
    return span if finding.side == "RIGHT" else f"{span} of the base version"


def name_explained(finding: Finding, *, show_name: Callable[[str], str]) -> str:
    """Which failed check the finder explains with the finding; empty if none."""
    if not finding.explains_check:
        return ""
    finder = next(map(vendor_name, finding.found_by), "the finder")
    return f"Explains the failed check {show_name(finding.explains_check)}, according to {finder}."


def name_duplicates(finding: Finding, *, show_place: Callable[[DuplicatePlace], str]) -> str:
    """`The same in 3 more places: …`; names the first ones. Empty if there are none."""
    places = finding.duplicates
    if not places:
        return ""
    shown = ", ".join(show_place(each) for each in places[:_SHOWN_DUPLICATES])
    left = len(places) - _SHOWN_DUPLICATES
    rest = f" and {left} more" if left > 0 else ""
    return f"The same in {count(len(places), 'more place')}: {shown}{rest}."


def location(finding: Finding) -> str:
    """`path:line` as a code span."""
    return code_span(f"{finding.path}:{finding.start_line}")


def short_location(finding: Finding) -> str:
    """`path:line` as a code span of at most 90 characters, for a list of omitted parts."""
    path = show_invisible(finding.path)
    shown = path if len(path) <= _SHORT_PATH else f"…{path[-_SHORT_PATH:]}"
    return code_span(f"{shown}:{finding.start_line}")


_SHORT_PATH = 70
_SHOWN_DUPLICATES = 10
BUILT_IN = "built-in"  # all analyzers together, as the model of a stage


def source_name(source: str) -> str:
    """A finder or verifier (`provider:model`) as Markdown."""
    provider, _, model = source.partition(":")
    if provider == Provider.ANALYZERS:
        named = model and model != BUILT_IN
        return escape_text(model, at_line_start=False) if named else "built-in analyzers"
    vendor, _, server = provider.partition("@")
    name = _VENDORS.get(vendor) or code_span(vendor)
    if server:
        name = f"{name} via {code_span(server)}"
    return f"{name} ({code_span(model)})" if model else name


def vendor_name(source: str) -> str:
    """The vendor of a finder or verifier, in words."""
    provider = source.partition(":")[0]
    return _VENDORS.get(Provider(provider), provider) if provider in list(Provider) else provider


def joined(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, and c`."""
    if len(words) <= 2:
        return " and ".join(words)
    return f"{', '.join(words[:-1])}, and {words[-1]}"


def sources(finding: Finding) -> str:
    """One line of Markdown with the finders and the verifiers."""
    finders = joined([source_name(source) for source in finding.found_by])
    independently = ", independently" if len(vendors_of(finding.found_by)) > 1 else ""
    parts = [f"found by {finders}{independently}"] if finders else []
    if finding.confirmed_by:
        parts.append(f"confirmed by {joined([source_name(source) for source in finding.confirmed_by])}")
    return " · ".join(parts)


def short_sources(finding: Finding) -> str:
    """`GPT, confirmed by Claude`, or `found by Claude and GPT, independently`; models are on the dashboard."""
    finders = joined(_short_names(finding.found_by))
    if len(vendors_of(finding.found_by)) > 1:
        finders = f"found by {finders}, independently"
    confirmed = joined(_short_names(finding.confirmed_by))
    return ", ".join(filter(None, [finders, f"confirmed by {confirmed}" if confirmed else ""]))


def _short_names(names: Sequence[str]) -> list[str]:
    """The vendors and analyzers, each once."""
    return list(
        dict.fromkeys(
            source_name(name if name.startswith(f"{Provider.ANALYZERS}:") else name.partition(":")[0])
            for name in names
        )
    )


def duration(milliseconds: int) -> str:
    """`0.8 s`, `12 s`, `3 min 20 s`."""
    seconds = milliseconds / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def usage_line(usage: UsageTotal, *, duration_ms: int) -> str:
    """One line with calls, tokens, cost, and time; mentions calls without a known price."""
    if not usage.calls:
        return f"no model calls · {duration(duration_ms)}"
    cached = f" ({usage.cached_input_tokens:,} cached)" if usage.cached_input_tokens else ""
    unknown = f" + {count(usage.unpriced_calls, 'unpriced call')}" if usage.unpriced_calls else ""
    return (
        f"{count(usage.calls, 'model call')} · {usage.input_tokens:,} input tokens{cached}, "
        f"{usage.output_tokens:,} output tokens · {usage.cost_usd:.4f} USD{unknown} · {duration(duration_ms)}"
    )


DISABLED_FEATURES = {
    "checks": "check runs",
    "pull_requests": "the review and its inline comments",
    "issues": "the summary comment and replies in the conversation",
}


def describe_disabled(lacking: Mapping[str, str]) -> str:
    """The disabled features, each with the permission that it needs; `lacking` maps names to levels."""
    return "; ".join(
        f"{DISABLED_FEATURES[name]} (needs `{name}: {level}`)"
        for name, level in lacking.items()
        if name in DISABLED_FEATURES
    )


def render_lacking(lacking: Mapping[str, str]) -> str:
    """One sentence, or an empty string if nothing is disabled."""
    disabled = describe_disabled(lacking)
    return f"Disabled because of missing permissions: {disabled}." if disabled else ""
