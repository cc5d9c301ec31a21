"""Has changed code parsed in a process that is kept warm, each change in a fork of its own. Never parses anything itself.

There is one such process beside this one; it holds nothing of any change, and whoever needs it next starts it again where
it has ended. See `fork_server`.
"""

import asyncio
import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from uuid import uuid4

from app.analyzers.runner import Limits, clean_environment
from app.errors import AnalyzerFailed

COMMAND = (sys.executable, "-P", "-s", "-m", "app.analyzers.fork_server")
GRACE_S = 10.0  # beyond a job's own limit: then the server itself does not work


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """The living process and who waits for it."""

    process: "subprocess.Popen[bytes]"
    listener: threading.Thread
    waiting: dict[str, "Future[None]"] = field(default_factory=dict[str, "Future[None]"])


class Parser:
    """The process, started when it is first needed. May be used from any thread and any event loop."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = command
        self._server: _Server | None = None
        self._lock = threading.Lock()

    async def run(self, directory: Path, *, limits: Limits) -> None:
        """Work through the tasks of a directory; returns when that has ended, by itself or by its limits.

        Raises:
            AnalyzerFailed: the process cannot start, or is gone.
        """
        ended = await asyncio.to_thread(self._ask, directory, limits)
        try:
            async with asyncio.timeout(limits.seconds + GRACE_S):
                await asyncio.wrap_future(ended)
        except TimeoutError as error:
            self.close()
            raise AnalyzerFailed("does not answer") from error

    async def open(self) -> None:
        """Start it before somebody waits for it."""
        await asyncio.to_thread(self._start)

    def close(self) -> None:
        """End it, and what it works on.

        Without the lock: whoever holds it may be writing to a process that does not read.
        """
        if server := self._server:
            server.process.kill()
            server.listener.join()

    def _ask(self, directory: Path, limits: Limits) -> "Future[None]":
        job, ended = uuid4().hex, Future[None]()
        with self._lock:
            server = self._started()
            server.waiting[job] = ended
            with suppress(OSError):  # it has just ended: the listener tells everybody
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
        """Tells those who wait, until the process ends; then the others that there is nothing to wait for."""
        server = self._server
        assert server
        assert server.process.stdout
        with server.process:
            for line in server.process.stdout:
                _tell(server.waiting.pop(line.strip().decode(), None))
        with self._lock:
            self._server = None
        while server.waiting:
            _tell(server.waiting.popitem()[1], AnalyzerFailed("has ended"))


@cache
def shared_parser() -> Parser:
    """The one of this process; it ends with it."""
    parser = Parser()
    atexit.register(parser.close)
    return parser


def _line(job: str, directory: Path, limits: Limits) -> bytes:
    """What `fork_server` reads; the limits are the operating system's."""
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


def _tell(ended: "Future[None] | None", error: AnalyzerFailed | None = None) -> None:
    if ended is None or not ended.set_running_or_notify_cancel():
        return
    if error:
        ended.set_exception(error)
    else:
        ended.set_result(None)
