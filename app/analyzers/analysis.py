"""Runs every built-in analyzer on a change, concurrently, and turns their reports into findings.

A file that an analyzer does not read in full is listed with the reason; the findings of the others are kept. Code of the change
is never executed.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from app.analyzers.dependencies import DependencyFacts, find_dependency_facts
from app.analyzers.hidden_characters import find_hidden_hits
from app.analyzers.hits import Hit
from app.analyzers.linter_runs import find_linter_hits
from app.analyzers.linters import LINTERS, Linter
from app.analyzers.parser import Parser, SyntaxFacts, find_syntax_facts, shared_parser
from app.analyzers.runner import FindTool, find_tool
from app.analyzers.secrets import find_secret_hits
from app.analyzers.selection import select
from app.analyzers.workspace import ChangedText, read_texts, write_texts
from app.domain.analysis import AdvisoryLookup, Analysis, AnalysisScope, ChangedFile
from app.domain.finding import Finding, Stage
from app.domain.review import Omission, join_reasons
from app.errors import AnalyzerFailed
from app.redaction import Redactor
from app.syntax import language_of

MIN_SECRET_CHARACTERS = 4  # shorter ones are too likely to be ordinary words
REDACTED = "[REDACTED]"
SECRET_RULES = frozenset({"hardcoded-secret"})


@dataclass(slots=True)
class _Collected:
    """Hits on heads and bases, and what was not read, collected as the tools finish."""

    hits: list[Hit] = field(default_factory=list[Hit])
    base_hits: list[Hit] = field(default_factory=list[Hit])
    partly: list[Omission] = field(default_factory=list[Omission])
    unparsed: list[Omission] = field(default_factory=list[Omission])
    notes: list[str] = field(default_factory=list[str])
    secrets: set[str] = field(default_factory=set[str])


async def analyze(
    files: Sequence[ChangedFile],
    *,
    redactor: Redactor | None = None,
    lookup_advisories: AdvisoryLookup | None = None,
    find_tool: FindTool = find_tool,
    parser: Parser | None = None,
) -> Analysis:
    """The analyzers' findings on the added lines of a change.

    Args:
        files: the changed files.
        redactor: finds the secrets; None: a default one that does not know the operator's secrets.
        lookup_advisories: looks up known flaws of new packages; None: only the bundled file is used.
        find_tool: finds the program of a linter.
        parser: the process that parses; None: the shared one.
    """
    redactor = redactor or Redactor()
    texts, unread = read_texts(files)
    collected = _Collected(partly=unread)
    code = [text for text in texts if text.file.scope is not AnalysisScope.SECRETS]
    with TemporaryDirectory(prefix="quorum-", ignore_cleanup_errors=True) as name:
        directory = await asyncio.to_thread(
            Path(name).resolve
        )  # on macOS the path of the temporary directory contains a symbolic link
        syntax, dependencies, _, _ = await asyncio.gather(
            _syntax_facts(code, directory / "parser", collected, parser or shared_parser()),
            find_dependency_facts(_without_secrets_only(files), lookup=lookup_advisories),
            asyncio.gather(*(_lint(linter, find_tool, code, directory, collected) for linter in LINTERS)),
            asyncio.to_thread(_check_texts, texts, redactor, collected),
        )
    return _analysis(files, texts, collected, syntax, dependencies)


async def _lint(
    linter: Linter,
    find_tool: FindTool,
    texts: Sequence[ChangedText],
    directory: Path,
    collected: _Collected,
) -> None:
    accepted = [text for text in texts if linter.accepts(text)]
    if not accepted:
        return
    program = find_tool(linter.name)
    if program is None:
        collected.notes.append(f"{linter.name} is not installed, so its rules were not run.")
        return
    facts = await find_linter_hits(linter, accepted, directory=directory / linter.name, program=program)
    collected.hits.extend(facts.hits)
    collected.base_hits.extend(facts.base_hits)
    fragments = {text.path for text in accepted if text.file.is_fragment}
    collected.partly.extend(each for each in facts.unread if each.path not in fragments)
    collected.unparsed.extend(each for each in facts.unparsed if each.path not in fragments)
    if left := sorted({each.path for each in (*facts.unread, *facts.unparsed)} & fragments):
        collected.notes.append(
            f"Only the patch of {', '.join(left)} is known. {linter.name} could not read all of it as code, "
            "so some of its rules may not have run."
        )


async def _syntax_facts(
    texts: Sequence[ChangedText], directory: Path, collected: _Collected, parser: Parser
) -> SyntaxFacts:
    await asyncio.to_thread(write_texts, texts, directory)
    try:
        facts = await find_syntax_facts(texts, directory=directory, parser=parser)
    except AnalyzerFailed as error:
        reason = f"the syntax rules were not run because their process {error}"
        collected.partly.extend(
            Omission(path=text.path, reason=reason) for text in texts if language_of(text.path)
        )
        return SyntaxFacts()
    collected.hits.extend(facts.hits)
    collected.base_hits.extend(facts.base_hits)
    collected.partly.extend(facts.partly)
    return facts


def _check_texts(texts: Sequence[ChangedText], redactor: Redactor, collected: _Collected) -> None:
    """Run the checks that need only the text."""
    for text in texts:
        for source, hits in ((text.head, collected.hits), (text.base, collected.base_hits)):
            if source is not None:
                hits.extend(find_secret_hits(text.path, source, redactor=redactor))
                hits.extend(find_hidden_hits(text.path, source))
        collected.secrets |= redactor.secrets_of(text.head)


def _analysis(
    files: Sequence[ChangedFile],
    texts: Sequence[ChangedText],
    collected: _Collected,
    syntax: SyntaxFacts,
    dependencies: DependencyFacts,
) -> Analysis:
    findings = select(
        [*collected.hits, *dependencies.hits],
        collected.base_hits,
        lines=_lines(files) | {text.path: text.head.split("\n") for text in texts},
        base_lines={text.path: text.base.split("\n") for text in texts if text.base is not None},
        added={file.path: file.added for file in files},
    )
    scopes = {file.path: file.scope for file in files}
    whole = {path for path, scope in scopes.items() if scope is AnalysisScope.ALL}
    return Analysis(
        findings=tuple(
            _without_secrets(finding, collected.secrets)
            for finding in findings
            if _is_in_scope(finding, scopes[finding.path])
        ),
        undocumented=tuple(each for each in syntax.undocumented if each.path in whole),
        api_changes=tuple(each for each in syntax.api_changes if each.path in whole),
        partly=join_reasons([*collected.partly, *dependencies.partly]),
        unparsed=join_reasons(collected.unparsed),
        notes=(*collected.notes, *dependencies.notes),
    )


def _without_secrets_only(files: Sequence[ChangedFile]) -> list[ChangedFile]:
    return [file for file in files if file.scope is not AnalysisScope.SECRETS]


def _is_in_scope(finding: Finding, scope: AnalysisScope) -> bool:
    if scope is AnalysisScope.SECRETS:
        return finding.rule_id in SECRET_RULES
    return scope is AnalysisScope.ALL or finding.stage is Stage.SECURITY


def _without_secrets(finding: Finding, secrets: Collection[str]) -> Finding:
    """Remove secrets that a tool quotes in its message, for example as an undefined name, where no rule recognizes them."""
    title, explanation = finding.title, finding.explanation
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= MIN_SECRET_CHARACTERS:
            title, explanation = title.replace(secret, REDACTED), explanation.replace(secret, REDACTED)
    return replace(finding, title=title, explanation=explanation)


def _lines(files: Sequence[ChangedFile]) -> dict[str, list[str]]:
    """Lines of the files that only the dependency reader saw (lock files over the size limit)."""
    return {
        file.path: file.head.decode("utf-8", "replace").split("\n") for file in files if file.head is not None
    }
