"""The process in which changed code is parsed: loads the parsers once, then forks for every change. Started by `parser`.

A line of standard input names a directory with a change; a child of its own, with limits, does the work there and ends. So
no change meets what another one left, and whoever breaks a parser has broken a process that ends. The server itself reads
nothing of any change. It ends with its standard input, and its children with it.
"""

import gc
import json
import os
import resource
import selectors
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from app.analyzers.worker import work_through

CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Child:
    """A change that is being worked on, and until when it may take, in seconds of the monotonic clock."""

    job: str
    pid: int
    until_s: float


class ForkServer:
    """Forks for what it is asked, and says on standard output how each child ended."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._children: dict[int, _Child] = {}  # by the pipe that closes when the child ends
        self._selector = selectors.DefaultSelector()
        self._unread = b""

    def serve(self) -> None:
        """Until standard input ends."""
        self._selector.register(0, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select(self._patience_s()):
                if key.fd != 0:
                    self._end(key.fd)
                elif not self._read():
                    return self._end_all()
            for pipe in [fd for fd, child in self._children.items() if child.until_s <= time.monotonic()]:
                self._end(pipe)

    def _patience_s(self) -> float | None:
        nearest_s = min((child.until_s for child in self._children.values()), default=None)
        return None if nearest_s is None else max(0.0, nearest_s - time.monotonic())

    def _read(self) -> bool:
        data = os.read(0, CHUNK)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._fork(json.loads(line))
        return bool(data)

    def _fork(self, job: dict[str, Any]) -> None:
        ends, held = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._be_a_child(job, held)
        os.close(held)
        self._children[ends] = _Child(job=job["id"], pid=pid, until_s=time.monotonic() + job["seconds"])
        self._selector.register(ends, selectors.EVENT_READ)

    def _be_a_child(self, job: dict[str, Any], held: int) -> None:
        """Never returns, whatever happens: the loop is the parent's."""
        try:
            os.setsid()
            os.closerange(3, held)  # what the parent holds of the others
            for name, value in job["limits"].items():
                with suppress(ValueError, OSError):  # a system that knows no such limit
                    resource.setrlimit(getattr(resource, name), (value, value))
            os.chdir(job["directory"])
            nothing = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(nothing, fd)
            self._work()
        finally:
            os._exit(0)

    def _end(self, pipe: int) -> None:
        """The child has ended or must: nothing of it is left, and whoever asked is told."""
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
    """A child that nobody has waited for yet, so that the number is still its own, and what it has started."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    gc.collect()
    gc.freeze()  # the children share these pages
    ForkServer(work_through).serve()
