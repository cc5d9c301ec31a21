"""`quorum fix`: reviews a range or a pull request, fixes what it finds, and prints a patch, or writes the working tree.

Like `quorum review`, it reads no `.env`, no data and no configuration from the working directory, and runs nothing of
the repository.
"""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from app.commands.own_settings import isolated_settings
from app.commands.review import PullRequestText, ReviewOptions, run_review
from app.commands.review_output import DONE, FOUND, UNREADABLE, exit_code
from app.commands.review_target import Target, open_target, read_file
from app.domain.finding import Finding, Severity
from app.domain.fix import FindingFix, FixStatus, HeadFiles
from app.domain.review import ReviewReport
from app.errors import ConfigurationError, GitHubError, InputError
from app.fixes.fixing import fix_finding
from app.fixes.patch import render_patch
from app.fixes.questions import FixQuestions
from app.fixes.request import MAX_FINDINGS, RequestedFixes, fix_findings
from app.gather import Gathered
from app.github.local import GitRangeSource
from app.github.tree_paths import CommitTree, RemoteHead
from app.github.work_tree import LocalHead, WorkTree
from app.llm.client import CallScope
from app.main import Network, Program, build_program
from app.publish.fixes import explain_fix_problem
from app.publish.markdown import plain_line
from app.publish.text import Redact, show_invisible
from app.publish.wording import describe_lines
from app.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class FixOptions:
    """The options of the command line."""

    target: str
    repo: Path = Path()
    severity: Severity = Severity.LOW  # the lowest to fix
    config: Path | None = None
    apply: bool = False
    unconfirmed: bool = False


def fix(options: FixOptions, *, network: Network | None = None) -> int:
    """Fix the target's findings and return the exit code."""
    try:
        return asyncio.run(_fix(options, isolated_settings(), network or Network()))
    except (InputError, GitHubError, ConfigurationError) as error:
        sys.stderr.write(f"quorum: {error}\n")
        return UNREADABLE


async def _fix(options: FixOptions, settings: Settings, network: Network) -> int:
    review = ReviewOptions(
        target=options.target, repo=options.repo, config=options.config, report_format="patch"
    )
    texts = PullRequestText(configuration=read_file(options.config) if options.config else None)
    target = await open_target(options.target, options.repo, settings, network)
    program = build_program(settings, network=network)
    try:
        head = await _open_head(target)
        work_tree = WorkTree(options.repo) if options.apply else None
        if work_tree:
            await work_tree.check_clean(head.commit)
        gathered, report = await run_review(review, target, program, texts)
        made = await _make(options, target, gathered, report, program=program, head=head)
    finally:
        await target.close()
        await program.close()
    redact = program.services.redactor.redact
    if work_tree and made.files:
        await work_tree.write(made.files)
    sys.stdout.write(_render(made, report, is_applied=work_tree is not None, redact=redact))
    return _exit_code(made, report)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """The head's commit and its files."""

    commit: str
    files: HeadFiles


async def _open_head(target: Target) -> _Head:
    source = target.source
    snapshot = await source.snapshot(())
    if isinstance(source, GitRangeSource):
        if source.head is None:
            raise InputError("quorum fix needs commits. Specify a range such as main...HEAD.")
        return _Head(commit=source.head, files=LocalHead(source))
    if snapshot.pull_request is None or target.client is None:
        raise InputError("quorum fix needs a git range or the URL of a pull request: a patch has no files.")
    commit = snapshot.pull_request.head_sha
    return _Head(commit=commit, files=RemoteHead(source=source, tree=CommitTree(target.client, commit)))


async def _make(
    options: FixOptions,
    target: Target,
    gathered: Gathered,
    report: ReviewReport,
    *,
    program: Program,
    head: _Head,
) -> RequestedFixes:
    chosen = [each for each in report.findings if each.severity.at_least(options.severity)]
    if len(chosen) > MAX_FINDINGS:
        sys.stderr.write(f"quorum: fixing the first {MAX_FINDINGS} of {len(chosen)} findings.\n")
    questions = FixQuestions(
        services=program.services,
        config=gathered.config,
        scope=CallScope(repository=target.ref.repository if target.ref else "local"),
        snapshot=gathered.snapshot,
    )
    return await fix_findings(
        chosen[:MAX_FINDINGS],
        diff=gathered.context.diff,
        head=head.files,
        fix=lambda finding, state: fix_finding(finding, state, questions),
        accepts_unconfirmed=options.unconfirmed,
    )


def _render(made: RequestedFixes, report: ReviewReport, *, is_applied: bool, redact: Redact) -> str:
    """One line for each finding, then the patch; `git apply` skips the lines before a patch."""
    findings = {each.fingerprint: each for each in report.findings}
    rows = [_row(findings[each.fingerprint], each, redact=redact) for each in made.fixes]
    if not rows:
        return "There is nothing to fix.\n"
    summary = "\n".join(rows)
    if not made.files:
        return f"{summary}\n"
    if is_applied:
        return f"{summary}\n\nWrote {', '.join(show_invisible(file.path) for file in made.files)}.\n"
    return f"{summary}\n\n{render_patch(made.files)}"


def _row(finding: Finding, fixed: FindingFix, *, redact: Redact) -> str:
    place = f"{show_invisible(finding.path)}, {describe_lines(finding)}"
    reason = explain_fix_problem(fixed.problems[-1]) if fixed.problems else ""
    match fixed.status:
        case FixStatus.CONFIRMED:
            result = f"fixed by {fixed.fixed_by}, confirmed by {fixed.confirmed_by}: {fixed.sentence}"
        case FixStatus.UNCONFIRMED:
            result = f"not confirmed (proposed by {fixed.fixed_by}): {reason}"
        case FixStatus.FAILED:
            result = f"not fixed: {reason}"
    return f"{place}: {plain_line(finding.title, redact=redact)}\n  {plain_line(result, redact=redact, max_characters=600)}"


def _exit_code(made: RequestedFixes, report: ReviewReport) -> int:
    code = exit_code(report, named_stages=(), fail_on=None)
    return FOUND if code == DONE and len(made.confirmed) < len(made.fixes) else code
