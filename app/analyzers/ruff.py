"""Runs ruff's security and bug rules on Python, isolated from the repository, and says its hits in our words.

Reads no configuration and honours no `noqa` of the pull request. https://docs.astral.sh/ruff/linter/
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.analyzers.rules import load_rule_file
from app.analyzers.runner import run
from app.analyzers.values import Hit
from app.analyzers.workspace import Text
from app.domain.finding import Severity
from app.errors import AnalyzerFailed
from app.syntax import language_of

TOOL = "ruff"
# What cannot be judged where only a part of the file is known.
_NEEDS_WHOLE_FILE = frozenset(
    {"F821", "F822", "F823", "F811", "F701", "F702", "F704", "F706", "PLE1142", "PLE0118", "PLE0704"}
)


async def find_ruff_hits(
    texts: Sequence[Text], *, directory: Path, ruff: Path
) -> tuple[list[Hit], list[Hit]]:
    """Hits of the heads and of the bases.

    Raises:
        AnalyzerFailed: ruff did not finish or did not answer with JSON.
    """
    python = [text for text in texts if language_of(text.path) == "python"]
    if not python:
        return [], []
    finished = await run(_command(ruff), directory=directory)
    try:
        rows = json.loads(finished.complete())
    except ValueError as error:
        raise AnalyzerFailed("answered with something that is no JSON") from error
    heads = {text.head_name: text for text in python}
    bases = {text.base_name: text for text in python}
    return _hits(rows, heads, directory), _hits(rows, bases, directory)


def _command(ruff: Path) -> list[str]:
    words = load_words()
    return [
        str(ruff),
        "check",
        "--isolated",
        "--no-cache",
        "--ignore-noqa",
        "--preview",
        "--quiet",
        "--exit-zero",
        "--target-version=py314",
        "--output-format=json",
        f"--select={','.join(words)}",
        ".",
    ]


def load_words() -> dict[str, dict[str, str]]:
    """Ruff's code → our rule, severity, title and explanation. The codes are also the selection."""
    return load_rule_file("ruff")


def _hits(rows: Sequence[Mapping[str, Any]], texts: Mapping[str, Text], directory: Path) -> list[Hit]:
    hits: list[Hit] = []
    for row in rows:
        text = texts.get(_relative(row["filename"], directory))
        words = load_words().get(row["code"] or "")
        if text and words and not (text.file.is_fragment and row["code"] in _NEEDS_WHOLE_FILE):
            hits.append(_hit(row, text.path, words))
    return hits


def _relative(filename: str, directory: Path) -> str:
    return Path(filename).relative_to(directory.resolve()).as_posix()


def _hit(row: Mapping[str, Any], path: str, words: Mapping[str, str]) -> Hit:
    return Hit(
        path=path,
        start_line=row["location"]["row"],
        end_line=row["end_location"]["row"],
        rule_id=words["rule"],
        severity=Severity(words["severity"]),
        title=words["title"],
        explanation=words["explanation"].replace("{message}", row["message"]),
        tool=TOOL,
    )
