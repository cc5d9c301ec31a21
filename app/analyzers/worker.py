"""The process that parses changed code: it loads the parsers once and forks for every change. `parser` starts it.

Each line on standard input names a directory with a change. A child process with its own limits does the work there and exits.
Changes are therefore isolated from each other, and a file that crashes a parser affects only its own child. The server itself
reads no file of any change. When its standard input ends, it kills its children and exits.

A child reads the list of files in its directory and writes one line of JSON per file, so that the answers before a crash are
kept. It reads only the numbered files of that directory and never imports or runs them.
"""

import gc
import json
import os
import resource
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from app.analyzers.patterns import find_pattern_hits
from app.analyzers.symbols import find_api_changes, find_undocumented, is_internal
from app.analyzers.workspace import ANSWERS, TASKS
from app.domain.edit import FileEdit
from app.syntax.edits import is_sound

CHUNK = 1 << 16
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Child:
    """A change in progress, and its deadline in seconds of the monotonic clock."""

    job: str
    pid: int
    deadline_s: float


class ForkServer:
    """Forks for each job, and reports on standard output when a child has ended."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._children: dict[int, _Child] = {}  # by the pipe that closes when the child ends
        self._selector = selectors.DefaultSelector()
        self._unread = b""

    def serve(self) -> None:
        """Run until standard input ends."""
        self._selector.register(0, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select(self._timeout_s()):
                if key.fd != 0:
                    self._end(key.fd)
                elif not self._read():
                    return self._end_all()
            overdue = [fd for fd, child in self._children.items() if child.deadline_s <= time.monotonic()]
            for pipe in overdue:
                self._end(pipe)

    def _timeout_s(self) -> float | None:
        nearest_s = min((child.deadline_s for child in self._children.values()), default=None)
        return None if nearest_s is None else max(0.0, nearest_s - time.monotonic())

    def _read(self) -> bool:
        data = os.read(0, CHUNK)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._fork(json.loads(line))
        return bool(data)

    def _fork(self, job: dict[str, Any]) -> None:
        pipe, held = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._run_child(job, held)
        os.close(held)
        self._children[pipe] = _Child(job=job["id"], pid=pid, deadline_s=time.monotonic() + job["seconds"])
        self._selector.register(pipe, selectors.EVENT_READ)

    def _run_child(self, job: dict[str, Any], held: int) -> None:
        """Run the work and exit; never returns to the parent's loop."""
        try:
            os.setsid()
            os.closerange(3, held)  # the parent's pipes to other children
            for name, value in job["limits"].items():
                with suppress(ValueError, OSError):  # the system does not know this limit
                    resource.setrlimit(getattr(resource, name), (value, value))
            os.chdir(job["directory"])
            nothing = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(nothing, fd)
            self._work()
        finally:
            os._exit(0)

    def _end(self, pipe: int) -> None:
        """Kill and reap the child if it still runs, and report that it has ended."""
        child = self._children.pop(pipe)
        self._selector.unregister(pipe)
        os.close(pipe)
        _kill(child.pid)
        os.waitpid(child.pid, 0)
        sys.stdout.write(f"{child.job}\n")
        sys.stdout.flush()

    def _end_all(self) -> None:
        for child in self._children.values():
            _kill(child.pid)


def _kill(pid: int) -> None:
    """Kill a child and everything it started. The child is not reaped yet, so its process ID cannot have been reused."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def analyze_tasks() -> None:
    """Write one line of JSON for each task of the working directory."""
    with Path(ANSWERS).open("w") as answers:
        for task in json.loads(Path(TASKS).read_bytes()):
            answer = _check(FileEdit(**task["edit"])) if "edit" in task else _analyze(task)
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def _check(edit: FileEdit) -> dict[str, Any]:
    return {"sound": is_sound(edit)}


def _analyze(task: dict[str, Any]) -> dict[str, Any]:
    """All results for one file; `problems` has the errors of failed checks."""
    path, head = task["path"], _read(task["head"])
    base = _read(task["base"]) if task["base"] else None
    problems: list[str] = []
    answer: dict[str, Any] = {"path": path, "problems": problems}
    answer["hits"] = _dicts(_attempt(lambda: find_pattern_hits(path, head), problems))
    if base is not None and answer["hits"]:
        answer["base_hits"] = _dicts(_attempt(lambda: find_pattern_hits(path, base), []))
    if not is_internal(path):
        undocumented = find_undocumented(path, head, frozenset(task["added"]), base)
        answer["undocumented"] = _dicts(_attempt(lambda: list(undocumented), problems))
        if base is not None:
            answer["api_changes"] = _dicts(_attempt(lambda: find_api_changes(path, head, base), problems))
    return answer


def _attempt(find: Callable[[], list[Value]], problems: list[str]) -> list[Value]:
    """The result; on an error, an empty list, and the error goes to `problems`. Code that does not parse is normal here."""
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
    return Path(name).read_bytes().decode("utf-8", "replace")  # text mode would end lines at CR


if __name__ == "__main__":
    gc.collect()
    gc.freeze()  # the children share these pages
    ForkServer(analyze_tasks).serve()
