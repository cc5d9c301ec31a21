"""Starts git, the only program that Quorum starts on a repository, so that nothing in the repository can start another.

The environment is made here from nothing; configuration of the user and the machine is not read; the repository's own is
overruled wherever it could name a program. No hooks, no filters, no external diff, no pager, no prompt, no transport
unless the caller opens one. https://git-scm.com/docs/git-config
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TIMEOUT_S = 60.0
MAX_OUTPUT_BYTES = 64 * 1024 * 1024

# Passed on for networks with a proxy or an own certificate authority.
_INHERITED = (
    "PATH",
    "TMPDIR",
    "HTTPS_PROXY",
    "https_proxy",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "GIT_SSL_CAINFO",
)
_ENVIRONMENT = {
    "HOME": os.devnull,
    "LC_ALL": "C",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "false",
    "GIT_SSH_COMMAND": "false",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_PAGER": "cat",
    "GIT_LITERAL_PATHSPECS": "1",
}
# Overrules the repository's own configuration; each of these could start a program, or change what a diff says.
_OVERRULED = {
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.sshCommand": "false",
    "core.gitProxy": "",
    "core.pager": "cat",
    "core.quotePath": "true",
    "core.untrackedCache": "false",
    "credential.helper": "",
    "diff.external": "",
    "diff.suppressBlankEmpty": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "gpg.program": "false",
    "log.showSignature": "false",
    "protocol.allow": "never",
    "safe.directory": "*",  # another owner's repository is readable: nothing of it is run
    "submodule.recurse": "false",
}
# What a patch looks like, whatever the repository prefers: analyzers and the parser rely on it.
DIFF_FLAGS = (
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--full-index",
    "--unified=3",
    "--inter-hunk-context=0",
    "--diff-algorithm=myers",
    "--ignore-submodules=dirty",  # a look into a submodule's work tree would run git there, with its configuration
    "--submodule=short",
    "-M",
    f"-O{os.devnull}",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)


class GitFailed(Exception):
    """git ended with an error, took too long or said too much; the message is its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """How git is started: where, with which further settings and variables.

    `config` values may be secret: they travel in the environment, never in the arguments, and appear in no `repr`.
    """

    directory: Path
    config: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    timeout_s: float = TIMEOUT_S
    max_file_blocks: int | None = None  # of 512 bytes; git ends where it would write a larger file

    async def run(
        self,
        *arguments: str,
        given: bytes = b"",
        max_bytes: int = MAX_OUTPUT_BYTES,
        allowed: Sequence[int] = (0,),
    ) -> bytes:
        """What git writes where it is `given` something to read. Raises `GitFailed` for another exit code than `allowed`,
        or more than `max_bytes`.
        """
        output, code, said = await self._communicate(arguments, max_bytes, given)
        if len(output) > max_bytes:
            raise GitFailed(f"git {arguments[0]} wrote more than {max_bytes} bytes")
        if code not in allowed:
            raise GitFailed(said or f"git {arguments[0]} ended with {code}")
        return output

    async def read_some(self, *arguments: str, max_bytes: int, allowed: Sequence[int] = (0,)) -> bytes:
        """As `run`, but more than `max_bytes` is cut off instead of refused."""
        output, code, said = await self._communicate(arguments, max_bytes)
        if len(output) <= max_bytes and code not in allowed:
            raise GitFailed(said or f"git {arguments[0]} ended with {code}")
        return output[:max_bytes]

    async def _communicate(
        self, arguments: Sequence[str], max_bytes: int, given: bytes = b""
    ) -> tuple[bytes, int, str]:
        process = await self._start(arguments, reads=bool(given))
        try:
            async with asyncio.timeout(self.timeout_s):
                output, errors, _ = await asyncio.gather(
                    _read(process, max_bytes + 1), _drain(process), _give(process, given)
                )
                await process.wait()
        except TimeoutError as error:
            raise GitFailed(f"git {arguments[0]} took longer than {self.timeout_s:.0f} s") from error
        finally:
            await _end(process)
        return output, process.returncode or 0, _last_line(errors)

    async def _start(self, arguments: Sequence[str], *, reads: bool) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *self._command(),
                *map(os.fsencode, arguments),
                cwd=self.directory,
                env=self._environment(),
                stdin=asyncio.subprocess.PIPE if reads else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,  # so that what git has started can be ended with it
            )
        except (OSError, ValueError) as error:  # no git, no such directory, a NUL in a name
            raise GitFailed(f"git cannot be started: {error}") from error

    def _command(self) -> tuple[str, ...]:
        if self.max_file_blocks is None:
            return ("git", "--no-pager")
        return ("sh", "-c", 'ulimit -f "$0" && exec git --no-pager "$@"', str(self.max_file_blocks))

    def _environment(self) -> dict[str, str]:
        settings = _OVERRULED | dict(self.config)
        numbered = {"GIT_CONFIG_COUNT": str(len(settings))}
        for index, (key, value) in enumerate(settings.items()):
            numbered[f"GIT_CONFIG_KEY_{index}"] = key
            numbered[f"GIT_CONFIG_VALUE_{index}"] = value
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return inherited | _ENVIRONMENT | numbered | dict(self.environment)


async def _read(process: asyncio.subprocess.Process, limit: int) -> bytes:
    """Output up to the limit; at the limit the program is ended."""
    assert process.stdout is not None
    parts: list[bytes] = []
    left = limit
    while left and (part := await process.stdout.read(min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    if not left:
        _kill(process)
    return b"".join(parts)


async def _drain(process: asyncio.subprocess.Process) -> bytes:
    """The end of what git says on stderr; all of it is read, so that git never waits."""
    assert process.stderr is not None
    kept = b""
    while part := await process.stderr.read(65_536):
        kept = (kept + part)[-4_096:]
    return kept


async def _give(process: asyncio.subprocess.Process, given: bytes) -> None:
    """Its input; a git that ends before it has read all says so by its exit code."""
    if process.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(given)
        await process.stdin.drain()
    process.stdin.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leaves neither a running program nor an open pipe, whatever has happened."""
    _kill(process)
    await process.communicate()


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _last_line(errors: bytes) -> str:
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    said = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1] if lines else "")
    return said.removeprefix("fatal:").removeprefix("error:").strip()[:300]
