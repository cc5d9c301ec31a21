"""Sends changed code to a warm process that parses each change in its own fork, and reads the answers. Never parses code itself.

The server process keeps no data of any change. If it has exited, the next caller restarts it. See `worker`.
"""

import asyncio
import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from app.analyzers.hits import Hit
from app.analyzers.runner import ProcessLimits, clean_environment
from app.analyzers.workspace import ANSWERS, TASKS, ChangedText
from app.domain.analysis import ApiChange, UndocumentedSymbol
from app.domain.finding import Severity
from app.domain.review import Omission
from app.errors import AnalyzerFailed
from app.syntax import language_of

COMMAND = (sys.executable, "-P", "-s", "-m", "app.analyzers.worker")
GRACE_S = 10.0  # after the job's own limit, the server itself must be stuck
LIMITS = ProcessLimits(seconds=60)
RETRY_LIMITS = ProcessLimits(seconds=20)
MAX_RUNS = 4
Fact = TypeVar("Fact", UndocumentedSymbol, ApiChange)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """The running process and the jobs that wait for it."""

    process: "subprocess.Popen[bytes]"
    listener: threading.Thread
    waiting: dict[str, "Future[None]"] = field(default_factory=dict[str, "Future[None]"])


class Parser:
    """The process, started on first use. Safe to use from any thread and any event loop."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = command
        self._server: _Server | None = None
        self._lock = threading.Lock()

    async def run(self, directory: Path, *, limits: ProcessLimits) -> None:
        """Process the tasks of a directory; returns when the job has ended, possibly at its limits.

        Raises:
            AnalyzerFailed: the process cannot start, or has exited.
        """
        ended = await asyncio.to_thread(self._submit, directory, limits)
        try:
            async with asyncio.timeout(limits.seconds + GRACE_S):
                await asyncio.wrap_future(ended)
        except TimeoutError as error:
            self.close()
            raise AnalyzerFailed("does not respond") from error

    async def open(self) -> None:
        """Start the process before it is needed."""
        await asyncio.to_thread(self._start)

    def close(self) -> None:
        """End the process and its jobs.

        Does not take the lock: its holder may be writing to a process that does not read.
        """
        if server := self._server:
            server.process.kill()
            server.listener.join()

    def _submit(self, directory: Path, limits: ProcessLimits) -> "Future[None]":
        job, ended = uuid4().hex, Future[None]()
        with self._lock:
            server = self._started()
            server.waiting[job] = ended
            with suppress(OSError):  # it has just exited; the listener fails all jobs
                _write(server.process, _line(job, directory, limits))
        return ended

    def _start(self) -> None:
        with self._lock:
            self._started()

    def _started(self) -> _Server:
        if self._server is None:
            process = _spawn(self._command)
            listener = threading.Thread(target=self._listen, name="parser", daemon=True)
            self._server = _Server(process=process, listener=listener)
            listener.start()
        return self._server

    def _listen(self) -> None:
        """Resolve the waiting jobs as they end; when the process ends, fail the rest."""
        server = self._server
        assert server
        assert server.process.stdout
        with server.process:
            for line in server.process.stdout:
                _resolve(server.waiting.pop(line.strip().decode(), None))
        with self._lock:
            self._server = None
        while server.waiting:
            _resolve(server.waiting.popitem()[1], AnalyzerFailed("has exited"))


@cache
def shared_parser() -> Parser:
    """The parser of this process; it ends with the process."""
    parser = Parser()
    atexit.register(parser.close)
    return parser


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntaxFacts:
    """The worker's answers; `partly` names the files it did not finish."""

    hits: tuple[Hit, ...] = ()
    base_hits: tuple[Hit, ...] = ()
    undocumented: tuple[UndocumentedSymbol, ...] = ()
    api_changes: tuple[ApiChange, ...] = ()
    partly: tuple[Omission, ...] = ()


async def find_syntax_facts(texts: Sequence[ChangedText], *, directory: Path, parser: Parser) -> SyntaxFacts:
    """Hits, undocumented names, and interface changes of all files in a known language.

    A file that crashes the worker or uses up its time is left out, and the files after it are tried again.

    Raises:
        AnalyzerFailed: the parser process cannot start, or has exited.
    """
    known = [text for text in texts if language_of(text.path, text.head)]
    answers: list[dict[str, Any]] = []
    waiting, limits = known, LIMITS
    for _ in range(MAX_RUNS):
        if not waiting:
            break
        (directory / TASKS).write_text(json.dumps([_task(text) for text in waiting]))
        await parser.run(directory, limits=limits)
        answers += await asyncio.to_thread(read_answers, directory)
        answered = {answer["path"] for answer in answers}
        waiting = [text for text in waiting if text.path not in answered][1:]
        limits = RETRY_LIMITS
    return _facts(answers, {text.path: text for text in known})


def read_answers(directory: Path) -> list[dict[str, Any]]:
    """Read the worker's complete lines; never follow a link or read more than the limit, because a hostile file may control the worker."""
    try:
        file = os.open(directory / ANSWERS, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return []
    with open(file, "rb") as answers:  # noqa: PTH123 - already open
        output = answers.read(LIMITS.output_bytes)
    return [json.loads(line) for line in output.split(b"\n")[:-1]]


def _task(text: ChangedText) -> dict[str, Any]:
    return {
        "path": text.path,
        "head": text.head_name,
        "base": text.base_name if text.base is not None else None,
        "added": text.head_as_run.rows_of(text.file.added),
    }


def _facts(answers: Sequence[dict[str, Any]], texts: Mapping[str, ChangedText]) -> SyntaxFacts:
    return SyntaxFacts(
        hits=tuple(_hit(texts, **raw) for raw in _rows(answers, "hits")),
        base_hits=tuple(_hit(texts, is_base=True, **raw) for raw in _rows(answers, "base_hits")),
        undocumented=tuple(
            _on_line(UndocumentedSymbol(**raw), texts) for raw in _rows(answers, "undocumented")
        ),
        api_changes=tuple(_on_line(ApiChange(**raw), texts) for raw in _rows(answers, "api_changes")),
        partly=tuple(_unfinished(answers, texts)),
    )


def _unfinished(answers: Sequence[dict[str, Any]], texts: Mapping[str, ChangedText]) -> Iterator[Omission]:
    """The files without an answer, and those on which a rule failed."""
    problems = {answer["path"]: answer["problems"] for answer in answers}
    for path in texts:
        if path not in problems:
            yield Omission(path=path, reason="the syntax rules did not finish")
        elif problems[path]:
            yield Omission(
                path=path, reason=f"the syntax rules failed on it ({', '.join(sorted(set(problems[path])))})"
            )


def _hit(
    texts: Mapping[str, ChangedText],
    *,
    severity: str,
    start_line: int,
    end_line: int,
    is_base: bool = False,
    **rest: Any,  # noqa: ANN401 - the other fields of a Hit, from `asdict`
) -> Hit:
    text = texts[rest["path"]]
    as_run = text.base_as_run if is_base and text.base_as_run else text.head_as_run
    return Hit(
        severity=Severity(severity),
        start_line=as_run.line_of(start_line),
        end_line=as_run.line_of(end_line),
        **rest,
    )


def _on_line(fact: Fact, texts: Mapping[str, ChangedText]) -> Fact:
    """The fact with the line in git instead of the worker's row."""
    return replace(fact, line=texts[fact.path].head_as_run.line_of(fact.line))


def _rows(answers: Sequence[dict[str, Any]], key: str) -> Iterable[dict[str, Any]]:
    return (raw for answer in answers for raw in answer.get(key, ()))


def _line(job: str, directory: Path, limits: ProcessLimits) -> bytes:
    """One job in the worker's format; the operating system enforces the limits."""
    caps = {
        "RLIMIT_AS": limits.memory_bytes,
        "RLIMIT_CPU": int(limits.seconds) + 1,
        "RLIMIT_FSIZE": limits.output_bytes,
        "RLIMIT_CORE": 0,
    }
    line = {"id": job, "directory": str(directory), "seconds": limits.seconds, "limits": caps}
    return json.dumps(line).encode() + b"\n"


def _write(process: "subprocess.Popen[bytes]", line: bytes) -> None:
    assert process.stdin
    process.stdin.write(line)
    process.stdin.flush()


def _spawn(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(  # noqa: S603 - Quorum's own program
            command,
            cwd="/",
            env=clean_environment(Path(os.devnull)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise AnalyzerFailed(f"could not start: {error.strerror}") from error


def _resolve(ended: "Future[None] | None", error: AnalyzerFailed | None = None) -> None:
    if ended is None or not ended.set_running_or_notify_cancel():
        return
    if error:
        ended.set_exception(error)
    else:
        ended.set_result(None)
