"""Starts every analyzer process, each in its own directory, with a clean environment and resource limits.

Never runs code of the pull request, never passes on a token, and never uses a name from the pull request as a file name or an
argument: files have numbers as names.
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.errors import AnalyzerFailed

PROJECT = Path(__file__).parents[2]

FindTool = Callable[[str], Path | None]

# Sets the limits, then becomes the tool: `preexec_fn` is not safe with threads. A system without one of these limits prints an
# error and continues. Sizes are in KiB and in blocks of 512 bytes.
_LAUNCHER = 'ulimit -v "$1"; ulimit -t "$2"; ulimit -f "$3"; ulimit -c 0; shift 3; exec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLimits:
    """The resources that one process may use."""

    seconds: float = 20.0
    memory_bytes: int = 4 << 30  # address space; Rust and Python reserve far more than they touch
    output_bytes: int = 16 << 20


def find_tool(name: str) -> Path | None:
    """A program next to the Python executable or on the operator's `PATH`; None if it is not installed."""
    bundled = Path(sys.executable).parent / name
    found = str(bundled) if bundled.is_file() else shutil.which(name)
    return Path(found) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessResult:
    """The output of a process; `problem` says why it did not finish normally."""

    output: bytes
    problem: str | None = None

    def complete(self) -> bytes:
        """The output of a process that finished; raises `AnalyzerFailed` otherwise."""
        if self.problem:
            raise AnalyzerFailed(self.problem)
        return self.output


async def run(
    command: Sequence[str], *, directory: Path, stdin: bytes = b"", limits: ProcessLimits | None = None
) -> ProcessResult:
    """Standard output of the command, whatever its exit code; raises `AnalyzerFailed` if it cannot start."""
    limits = limits or ProcessLimits()
    process = await _start(command, directory=directory, limits=limits)
    output = bytearray()
    problem: str | None = None
    try:
        async with asyncio.timeout(limits.seconds):
            problem = await _exchange(process, stdin, output, limits.output_bytes)
            code = 0 if problem else await process.wait()
            problem = f"was killed by signal {-code}" if code < 0 else problem
    except TimeoutError:
        problem = f"took longer than {limits.seconds:g} s"
    finally:
        await _end(process)
    return ProcessResult(output=bytes(output), problem=problem)


async def _start(
    command: Sequence[str], *, directory: Path, limits: ProcessLimits
) -> asyncio.subprocess.Process:
    numbers = (limits.memory_bytes >> 10, int(limits.seconds) + 1, limits.output_bytes >> 9)
    launcher = ["/bin/sh", "-c", _LAUNCHER, "sh", *map(str, numbers), *command]
    try:
        return await asyncio.create_subprocess_exec(
            *launcher,
            cwd=directory,
            env=clean_environment(directory),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise AnalyzerFailed(f"could not start: {error.strerror}") from error


def clean_environment(directory: Path) -> dict[str, str]:
    """An environment without the operator's tokens, keys, and configuration paths."""
    return {
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "PYTHONPATH": str(PROJECT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


async def _exchange(
    process: asyncio.subprocess.Process, stdin: bytes, output: bytearray, limit: int
) -> str | None:
    """Write and read concurrently, so that neither side blocks on a full pipe."""
    writer = asyncio.ensure_future(_write(process, stdin))
    try:
        return await _read(process, output, limit)
    finally:
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer


async def _write(process: asyncio.subprocess.Process, stdin: bytes) -> None:
    pipe = process.stdin
    if pipe is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        pipe.write(stdin)
        await pipe.drain()
        pipe.close()
        await pipe.wait_closed()


async def _read(process: asyncio.subprocess.Process, output: bytearray, limit: int) -> str | None:
    while process.stdout is not None and (chunk := await process.stdout.read(1 << 16)):
        output += chunk
        if len(output) > limit:
            return f"wrote more than {limit >> 20} MB"
    return None


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the process and everything it started."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
