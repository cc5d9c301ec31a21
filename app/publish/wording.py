"""Words and phrases that several texts share."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from app.domain.finding import Finding, Severity, Stage
from app.domain.model_call import Provider
from app.domain.review import ReviewContext, ReviewReport, SkipReason, StageStatus, UsageTotal
from app.publish.blocks import code_span

BADGES = {
    Severity.CRITICAL: "🔴 Critical",
    Severity.HIGH: "🟠 High",
    Severity.MEDIUM: "🟡 Medium",
    Severity.LOW: "🔵 Low",
    Severity.INFO: "⚪ Info",
}
_VENDORS = {
    Provider.CLAUDE: "Claude",
    Provider.GPT: "GPT",
    Provider.GEMINI: "Gemini",
    Provider.LOCAL: "the local model",
}
KEYLESS_NOTE = (
    "No model was asked (none has a key or is allowed): the built-in analysers reviewed this change."
)
NO_PROBLEMS_BY_ANALYZERS = "no problems found by the built-in analysers alone"
STAGE_NOT_REQUESTED = "this stage was not requested"
STAGE_DISABLED = "the repository's configuration disables this stage"
NO_PROBLEMS_LOOKED_FOR = "no problems were looked for"


def check_name(stage: Stage) -> str:
    """The name of a stage's check run."""
    return f"quorum/{stage}"


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`, `1,200 files`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def is_searched(report: ReviewReport) -> bool:
    """Whether a stage ran that looks for problems: documentation alone finds none."""
    return any(
        result.stage is not Stage.DOCS and result.status is not StageStatus.SKIPPED
        for result in report.stages
    )


def is_read(report: ReviewReport) -> bool:
    """Whether anybody read the change: not where every stage failed."""
    return {result.status for result in report.stages} - {StageStatus.SKIPPED} != {StageStatus.FAILED}


def severity_counts(findings: Iterable[Finding]) -> str:
    """`1 critical, 2 medium`, dearest first; empty without findings."""
    counted = Counter(finding.severity for finding in findings)
    return ", ".join(f"{counted[severity]} {severity}" for severity in Severity if counted[severity])


def clean_cwe(cwe: str | None) -> str:
    """`CWE-89`, or nothing where it is no CWE number."""
    return cwe if cwe and re.fullmatch(r"CWE-\d{1,5}", cwe) else ""


def lines_of(finding: Finding) -> str:
    """`line 8` or `lines 8–10`; says where the lines are those of the base."""
    span = (
        f"line {finding.start_line}"
        if finding.start_line == finding.end_line
        else f"lines {finding.start_line}–{finding.end_line}"
    )
    return span if finding.side == "RIGHT" else f"{span} of the old file"


def place(finding: Finding) -> str:
    """`path:line` as a code span."""
    return code_span(f"{finding.path}:{finding.start_line}")


BUILT_IN = "built-in"  # the analysers as a whole, where a stage names its model


def source_name(source: str) -> str:
    """A finder or verifier, `provider:model`, as Markdown for people."""
    provider, _, model = source.partition(":")
    if provider == Provider.ANALYZERS:
        named = model and model != BUILT_IN
        return f"the built-in analyser {code_span(model)}" if named else "the built-in analysers"
    vendor = _VENDORS.get(Provider(provider)) if provider in list(Provider) else None
    name = vendor or code_span(provider)
    return f"{name} ({code_span(model)})" if model else name


def joined(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def sources(finding: Finding) -> str:
    """Who found it and who confirmed it, in a line of Markdown."""
    finders = joined([source_name(source) for source in finding.found_by])
    vendors = {source.partition(":")[0] for source in finding.found_by} - {Provider.ANALYZERS.value}
    alone = ", each on its own" if len(vendors) > 1 else ""
    said = [f"found by {finders}{alone}"] if finders else []
    if finding.confirmed_by:
        said.append(f"confirmed by {joined([source_name(source) for source in finding.confirmed_by])}")
    return " · ".join(said)


def duration(milliseconds: int) -> str:
    """`0.8 s`, `12 s`, `3 min 20 s`."""
    seconds = milliseconds / 1000
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def usage_line(usage: UsageTotal, *, duration_ms: int) -> str:
    """Calls, tokens, cost and time in a line; says what has no known price."""
    if not usage.calls:
        return f"no model call · {duration(duration_ms)}"
    cached = f" ({usage.cached_input_tokens:,} cached)" if usage.cached_input_tokens else ""
    unknown = f" + {count(usage.unpriced_calls, 'call')} of unknown price" if usage.unpriced_calls else ""
    return (
        f"{count(usage.calls, 'model call')} · {usage.input_tokens:,} tokens in{cached}, "
        f"{usage.output_tokens:,} out · {usage.cost_usd:.4f} USD{unknown} · {duration(duration_ms)}"
    )


OFF = {
    "checks": "check runs",
    "pull_requests": "the review and its comments on lines",
    "issues": "the summary comment, and answers in the conversation",
}


def name_off(lacking: Mapping[str, str]) -> str:
    """What is off, each with the permission that it needs; `lacking` is name → level."""
    return "; ".join(
        f"{OFF[name]} (needs `{name}: {level}`)" for name, level in lacking.items() if name in OFF
    )


def render_lacking(lacking: Mapping[str, str]) -> str:
    """One sentence; empty where nothing is off."""
    off = name_off(lacking)
    return f"Off here, because the App's installation does not grant it: {off}." if off else ""


_SKIP_REASONS = {
    SkipReason.DISABLED: "the configuration says `enabled: false`",
    SkipReason.PAUSED: "it is paused",
    SkipReason.DRAFT: "it is a draft",
    SkipReason.PUSH: "the configuration says `review_on_push: false`",
    SkipReason.AUTHOR: "its author is in `ignore_authors`",
    SkipReason.LABEL: "one of its labels is in `ignore_labels`",
    SkipReason.BRANCH: "its branch matches `ignore_branches`",
    SkipReason.TITLE: "its title contains words from `ignore_titles`",
}


def render_skip_reason(reason: SkipReason, *, paused_by: str | None = None) -> str:
    """Return a clause that says why a pull request is not reviewed."""
    if reason is SkipReason.PAUSED and paused_by:
        return f"{paused_by} paused it"
    return _SKIP_REASONS[reason]


MAX_PATHS_IN_NOTE = 8


def context_notes(
    context: ReviewContext, *, cut_files: Sequence[str], invalid_patterns: Sequence[str]
) -> list[str]:
    """Say what the models saw besides the diff, and what they did not see of it."""
    snippets = [snippet for chunk in context.chunks for snippet in chunk.snippets]
    notes: list[str] = []
    if snippets:
        kinds = sorted({snippet.kind.split(" ")[0] for snippet in snippets})
        paths = list(dict.fromkeys(snippet.path for snippet in snippets))
        pieces = count(len(snippets), "code snippet")
        notes.append(
            f"Shown in addition to the diff: {pieces} ({', '.join(kinds)}) from {_list_paths(paths)}."
        )
    if context.guidelines:
        notes.append(f"Guidelines shown: {', '.join(each.path for each in context.guidelines)}.")
    if len(context.chunks) > 1:
        notes.append(f"The change was reviewed in {len(context.chunks)} parts.")
    if cut_files:
        notes.append(f"Only the start of very long lines was reviewed in {_list_paths(cut_files)}.")
    if invalid_patterns:
        notes.append(f"Invalid patterns in ignore_paths: {', '.join(invalid_patterns)}.")
    return notes


def _list_paths(paths: Sequence[str]) -> str:
    listed = ", ".join(paths[:MAX_PATHS_IN_NOTE])
    more = len(paths) - MAX_PATHS_IN_NOTE
    return f"{listed} and {count(more, 'more file')}" if more > 0 else listed
