"""Runs a linter on the changed files and turns its output into hits. What a linter did not read is named with the reason.

If a run fails, each half of its files runs again, so that one hostile file does not keep a linter from reading the others.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.analyzers.hits import Hit, load_rule_file
from app.analyzers.lines import TextAsRun
from app.analyzers.linters import UNPARSED, Linter, Report
from app.analyzers.runner import ProcessLimits, run
from app.analyzers.workspace import ChangedText, write_texts
from app.domain.finding import Severity
from app.domain.review import Omission
from app.errors import AnalyzerFailed

MAX_RUNS = 24  # of one linter on one change
TOTAL_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinterFacts:
    """Hits on heads and bases; `unread`: heads that the linter did not finish; `unparsed`: new heads with syntax errors."""

    hits: tuple[Hit, ...] = ()
    base_hits: tuple[Hit, ...] = ()
    unread: tuple[Omission, ...] = ()
    unparsed: tuple[Omission, ...] = ()


@dataclass(frozen=True, slots=True)
class _Input:
    """One side of a changed file, as the linter reads it."""

    text: ChangedText
    as_run: TextAsRun


@dataclass(slots=True)
class _Runs:
    """The runs of one linter: their reports, and why names have none."""

    linter: Linter
    command: Sequence[str]
    directory: Path
    reports: list[Report] = field(default_factory=list[Report])
    failures: dict[str, str] = field(default_factory=dict[str, str])
    count: int = 0
    ends_s: float = 0.0

    async def read(self, names: Sequence[str]) -> None:
        """Run the linter on these names; on a failure, on each half of them."""
        try:
            self.reports += await self._run(names)
        except AnalyzerFailed as error:
            is_over = self.count >= MAX_RUNS or asyncio.get_running_loop().time() >= self.ends_s
            if len(names) == 1 or is_over:
                self.failures |= dict.fromkeys(names, f"{self.linter.name} {error}")
                return
            middle = len(names) // 2
            await self.read(names[:middle])
            await self.read(names[middle:])

    async def _run(self, names: Sequence[str]) -> list[Report]:
        self.count += 1
        left_s = self.ends_s - asyncio.get_running_loop().time()
        limits = ProcessLimits(seconds=max(1.0, min(ProcessLimits().seconds, left_s)))
        result = await run([*self.command, *names], directory=self.directory, limits=limits)
        try:
            return list(self.linter.reports(result.complete()))
        except (ValueError, KeyError, TypeError) as error:
            raise AnalyzerFailed("wrote output that could not be read") from error


async def find_linter_hits(
    linter: Linter, texts: Sequence[ChangedText], *, directory: Path, program: Path
) -> LinterFacts:
    """Hits on the heads and on the bases of files that the linter accepts."""
    heads = {text.head_name: _Input(text, text.head_as_run) for text in texts}
    bases = {text.base_name: _Input(text, text.base_as_run) for text in texts if text.base_as_run}
    await asyncio.to_thread(write_texts, texts, directory, linter.unsilenced)
    arguments = await asyncio.to_thread(linter.arguments, directory)
    ends_s = asyncio.get_running_loop().time() + TOTAL_S
    runs = _Runs(linter, [str(program), *arguments], directory, ends_s=ends_s)
    await runs.read([*heads, *bases])
    return LinterFacts(
        hits=tuple(_hits(linter.name, runs.reports, heads)),
        base_hits=tuple(_hits(linter.name, runs.reports, bases)),
        unread=tuple(
            Omission(path=one.text.path, reason=f"{runs.failures[name]}, so its rules were not run")
            for name, one in heads.items()
            if name in runs.failures
        ),
        unparsed=tuple(_unparsed(linter.name, runs.reports, heads)),
    )


def _unparsed(linter: str, reports: Sequence[Report], heads: Mapping[str, _Input]) -> Iterator[Omission]:
    """The heads with a syntax error, except where the base has one too."""
    rows: dict[str, int] = {}
    for report in reports:
        if report.code == UNPARSED:
            rows.setdefault(report.file_name, report.start_row)
    for name, head in heads.items():
        if name in rows and head.text.base_name not in rows:
            line = head.as_run.line_of(rows[name])
            yield Omission(path=head.text.path, reason=_syntax_error(linter, line))


def _syntax_error(linter: str, line: int) -> str:
    return f"{linter} reports a syntax error in line {line}, so some of its rules may not have run"


def _hits(linter: str, reports: Sequence[Report], inputs: Mapping[str, _Input]) -> Iterator[Hit]:
    rules = load_rule_file(linter)
    for report in reports:
        rule, one = rules.get(report.code), inputs.get(report.file_name)
        if rule and one and not (one.text.file.is_fragment and rule.get("whole_file")):
            yield _hit(linter, report, one, rule)


def _hit(linter: str, report: Report, one: _Input, rule: Mapping[str, str]) -> Hit:
    return Hit(
        path=one.text.path,
        start_line=one.as_run.line_of(report.start_row),
        end_line=one.as_run.line_of(report.end_row),
        rule_id=rule["rule"],
        severity=Severity(rule["severity"]),
        title=rule["title"],
        explanation=rule["explanation"].replace("{message}", report.message),
        tool=linter,
    )
