"""Runs every built-in analyser on a change, at once, and turns what they say into findings.

One analyser that fails or is missing becomes a note; the others' findings stand. Nothing of the change is executed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from app.analyzers.dependencies import DependencyFacts, find_dependency_facts
from app.analyzers.hidden import find_hidden_hits
from app.analyzers.parser import Parser, shared_parser
from app.analyzers.ruff import find_ruff_hits
from app.analyzers.runner import find_tool
from app.analyzers.secrets import find_secret_hits
from app.analyzers.selection import select
from app.analyzers.tree_tools import TreeFacts, find_tree_facts
from app.analyzers.values import Hit
from app.analyzers.workspace import Material, Text, read_material, write_material
from app.analyzers.zizmor import find_zizmor_hits
from app.domain.analysis import AdvisoryLookup, Analysis, ChangedFile
from app.domain.finding import Finding
from app.errors import AnalyzerFailed
from app.redaction import Redactor

FindTool = Callable[[str], Path | None]
MIN_SECRET_CHARACTERS = 4  # shorter ones are words
REDACTED = "[REDACTED]"

TwoSides = tuple[list[Hit], list[Hit]]


@dataclass(slots=True)
class _Gathered:
    """Hits of head and base, and notes, as the tools come in."""

    hits: list[Hit] = field(default_factory=list[Hit])
    base_hits: list[Hit] = field(default_factory=list[Hit])
    notes: list[str] = field(default_factory=list[str])
    secrets: set[str] = field(default_factory=set[str])

    def take(self, sides: TwoSides) -> None:
        self.hits.extend(sides[0])
        self.base_hits.extend(sides[1])


async def analyze(
    files: Sequence[ChangedFile],
    *,
    redactor: Redactor | None = None,
    lookup_advisories: AdvisoryLookup | None = None,
    find_tool: FindTool = find_tool,
    parser: Parser | None = None,
) -> Analysis:
    """What the analysers say of a change, on its added lines only.

    `lookup_advisories` asks a source for known flaws of new packages; without one the notes say that nobody was asked.
    `parser` is the process that parses; None: the one that all changes share.
    """
    redactor = redactor or Redactor()
    material = read_material(files)
    with TemporaryDirectory(prefix="quorum-", ignore_cleanup_errors=True) as name:
        directory = _resolved(name)
        await asyncio.to_thread(write_material, material.texts, directory)
        gathered = _Gathered(notes=list(material.notes))
        tree, dependencies, *_ = await asyncio.gather(
            _tree_facts(material.texts, directory, gathered, parser or shared_parser()),
            find_dependency_facts(files, lookup=lookup_advisories),
            _tool(
                "ruff",
                find_tool,
                gathered,
                lambda ruff: find_ruff_hits(material.texts, directory=directory, ruff=ruff),
            ),
            _tool(
                "zizmor",
                find_tool,
                gathered,
                lambda zizmor: find_zizmor_hits(material.texts, directory=directory, zizmor=zizmor),
            ),
            asyncio.to_thread(_text_hits, material.texts, redactor, gathered),
        )
    return _analysis(files, material, gathered, tree, dependencies)


def _resolved(name: str) -> Path:
    """Without links, as the tools name it: macOS keeps its temporary folder behind one."""
    return Path(name).resolve()


async def _tool(
    name: str, find_tool: FindTool, gathered: _Gathered, find: Callable[[Path], Awaitable[TwoSides]]
) -> None:
    program = find_tool(name)
    if program is None:
        gathered.notes.append(f"{name} is not installed, so its rules were not run.")
        return
    try:
        gathered.take(await find(program))
    except AnalyzerFailed as error:
        gathered.notes.append(f"{name} {error}, so its rules say nothing here.")


async def _tree_facts(
    texts: Sequence[Text], directory: Path, gathered: _Gathered, parser: Parser
) -> TreeFacts:
    try:
        facts = await find_tree_facts(texts, directory=directory, parser=parser)
    except AnalyzerFailed as error:
        gathered.notes.append(f"The syntax rules were not run: their process {error}.")
        return TreeFacts()
    gathered.take((list(facts.hits), list(facts.base_hits)))
    gathered.notes.extend(facts.notes)
    return facts


def _text_hits(texts: Sequence[Text], redactor: Redactor, gathered: _Gathered) -> None:
    """What can be told from the text alone, in linear time."""
    for text in texts:
        for source, hits in ((text.head, gathered.hits), (text.base, gathered.base_hits)):
            if source is not None:
                hits.extend(find_secret_hits(text.path, source, redactor=redactor))
                hits.extend(find_hidden_hits(text.path, source))
        gathered.secrets |= redactor.secrets_of(text.head)


def _analysis(
    files: Sequence[ChangedFile],
    material: Material,
    gathered: _Gathered,
    tree: TreeFacts,
    dependencies: DependencyFacts,
) -> Analysis:
    findings = select(
        [*gathered.hits, *dependencies.hits],
        gathered.base_hits,
        lines=_lines(files) | {text.path: text.head.split("\n") for text in material.texts},
        base_lines={text.path: text.base.split("\n") for text in material.texts if text.base is not None},
        added={file.path: file.added for file in files},
    )
    return Analysis(
        findings=tuple(_without_secrets(finding, gathered.secrets) for finding in findings),
        undocumented=tree.undocumented,
        api_changes=tree.api_changes,
        notes=(*gathered.notes, *dependencies.notes),
    )


def _without_secrets(finding: Finding, secrets: Collection[str]) -> Finding:
    """A tool may name a secret in its own words (an undefined name, say), where no rule knows it for one any more."""
    title, explanation = finding.title, finding.explanation
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= MIN_SECRET_CHARACTERS:
            title, explanation = title.replace(secret, REDACTED), explanation.replace(secret, REDACTED)
    return replace(finding, title=title, explanation=explanation)


def _lines(files: Sequence[ChangedFile]) -> dict[str, list[str]]:
    """Lines of files that only the dependency reader saw (lock files over the size limit)."""
    return {
        file.path: file.head.decode("utf-8", "replace").split("\n") for file in files if file.head is not None
    }
