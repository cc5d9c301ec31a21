"""What is done in the process that parses the changed code: own rules, taint, names. Run by `fork_server`, with limits.

Reads a list of files from its directory and writes one JSON line a file, so that a file that kills the process loses
only what comes after it. Reads only the numbered files of that directory; never imports or runs what they hold.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from app.analyzers.patterns import find_pattern_hits
from app.analyzers.symbols import find_api_changes, find_undocumented, is_internal
from app.analyzers.worker_files import ANSWERS, TASKS

Value = TypeVar("Value")


def work_through() -> None:
    """One line of JSON for each task of the working directory."""
    with Path(ANSWERS).open("w") as answers:
        for task in json.loads(Path(TASKS).read_bytes()):
            answers.write(json.dumps(work(task)) + "\n")
            answers.flush()


def work(task: dict[str, Any]) -> dict[str, Any]:
    """Everything that is to be said of one file; `problems` name what could not be done."""
    path, head = task["path"], _read(task["head"])
    base = _read(task["base"]) if task["base"] else None
    problems: list[str] = []
    answer: dict[str, Any] = {"path": path, "problems": problems}
    answer["hits"] = _hits(path, head, problems)
    answer["base_hits"] = _hits(path, base, []) if base is not None and answer["hits"] else []
    if not is_internal(path):
        undocumented = find_undocumented(path, head, frozenset(task["added"]), base)
        answer["undocumented"] = _dicts(_tried(lambda: list(undocumented), problems))
        if base is not None:
            answer["api_changes"] = _dicts(_tried(lambda: find_api_changes(path, head, base), problems))
    return answer


def _hits(path: str, source: str | None, problems: list[str]) -> list[dict[str, Any]]:
    if source is None:
        return []
    return _dicts(_tried(lambda: find_pattern_hits(path, source), problems))


def _tried(find: Callable[[], list[Value]], problems: list[str]) -> list[Value]:
    """The result, or nothing and the kind of the error: code that does not parse is normal here."""
    try:
        return find()
    except (
        SyntaxError,
        ValueError,
        RecursionError,
        MemoryError,
        RuntimeError,
        KeyError,
        AttributeError,
    ) as error:
        problems.append(type(error).__name__)
        return []


def _dicts(values: Iterable[Any]) -> list[dict[str, Any]]:
    return [asdict(value) for value in values]


def _read(name: str) -> str:
    return Path(name).read_text(encoding="utf-8", errors="replace")
