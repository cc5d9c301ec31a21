"""Has the changed files parsed in a process of their own and reads what it says. Never parses their code itself."""

import asyncio
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.analyzers.parser import Parser
from app.analyzers.runner import Limits
from app.analyzers.values import Hit
from app.analyzers.worker_files import ANSWERS, TASKS
from app.analyzers.workspace import Text
from app.domain.analysis import ApiChange, UndocumentedSymbol
from app.domain.finding import Severity
from app.syntax import language_of

LIMITS = Limits(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFacts:
    """What the worker said; `notes` name the files it did not finish."""

    hits: tuple[Hit, ...] = ()
    base_hits: tuple[Hit, ...] = ()
    undocumented: tuple[UndocumentedSymbol, ...] = ()
    api_changes: tuple[ApiChange, ...] = ()
    notes: tuple[str, ...] = ()


async def find_tree_facts(texts: Sequence[Text], *, directory: Path, parser: Parser) -> TreeFacts:
    """Hits, undocumented names and interface changes of all files that have a known language.

    Raises:
        AnalyzerFailed: there is no process to parse them.
    """
    known = [text for text in texts if language_of(text.path)]
    if not known:
        return TreeFacts()
    (directory / TASKS).write_text(json.dumps([_task(text) for text in known]))
    await parser.run(directory, limits=LIMITS)
    output = await asyncio.to_thread(_read_answers, directory)
    answers = [json.loads(line) for line in output.split(b"\n")[:-1]]
    return _facts(answers, {text.path for text in known})


def _read_answers(directory: Path) -> bytes:
    """What the worker wrote: a file of its own and no longer than it may be, whatever has become of the worker."""
    try:
        file = os.open(directory / ANSWERS, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    with open(file, "rb") as answers:  # noqa: PTH123 - it is open
        return answers.read(LIMITS.output_bytes)


def _task(text: Text) -> dict[str, Any]:
    return {
        "path": text.path,
        "head": text.head_name,
        "base": text.base_name if text.base is not None else None,
        "added": sorted(text.file.added),
    }


def _facts(answers: Sequence[dict[str, Any]], expected: set[str]) -> TreeFacts:
    missing = sorted(expected - {answer["path"] for answer in answers})
    return TreeFacts(
        hits=tuple(_hits(answers, "hits")),
        base_hits=tuple(_hits(answers, "base_hits")),
        undocumented=tuple(UndocumentedSymbol(**raw) for raw in _rows(answers, "undocumented")),
        api_changes=tuple(ApiChange(**raw) for raw in _rows(answers, "api_changes")),
        notes=tuple(f"{path}: the syntax rules did not finish." for path in missing),
    )


def _hits(answers: Sequence[dict[str, Any]], key: str) -> Iterable[Hit]:
    return (_hit(**raw) for raw in _rows(answers, key))


def _hit(*, severity: str, **rest: Any) -> Hit:  # noqa: ANN401 - what `asdict` made of a Hit
    return Hit(severity=Severity(severity), **rest)


def _rows(answers: Sequence[dict[str, Any]], key: str) -> Iterable[dict[str, Any]]:
    return (raw for answer in answers for raw in answer.get(key, ()))
