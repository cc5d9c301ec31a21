"""Run git hardened, so that nothing in a repository can start another program.

The environment is built from scratch. The configuration of user and machine is not read, and the repository's is
overridden wherever it could name a program. No hooks, filters, external diff, pager, prompts, or transports unless the
caller enables them. https://git-scm.com/docs/git-config
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.errors import GitFailed

TIMEOUT_S = 60.0
MAX_OUTPUT_BYTES = 64 * 1024 * 1024

# For networks with a proxy or their own certificate authority.
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
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_ALLOW_PROTOCOL": "",  # no transport; outranks the settings of the repository
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
# Overrides the repository's configuration: these settings can start programs or change diffs.
_OVERRIDES = {
    "core.commitGraph": "false",  # a written graph can name other parents than the commits do
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
    "safe.directory": "*",  # allow repositories of other owners: nothing in them runs
    "submodule.recurse": "false",
}
# The format of patches, independent of the repository's settings: analyzers and the parser depend on it.
DIFF_FLAGS = (
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--full-index",
    "--unified=3",
    "--inter-hunk-context=0",
    "--diff-algorithm=myers",
    "--ignore-submodules=dirty",  # otherwise git runs in the submodule's work tree with its configuration
    "--submodule=short",
    "-M",
    f"-O{os.devnull}",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """A directory, settings and variables to run git with.

    `config` values can be secret: they are passed in the environment, never as arguments, and appear in no `repr`.
    """

    directory: Path
    config: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    timeout_s: float = TIMEOUT_S
    max_file_blocks: int | None = None  # of 512 bytes; git fails if it writes a larger file

    async def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        max_bytes: int = MAX_OUTPUT_BYTES,
        allowed: Sequence[int] = (0,),
    ) -> bytes:
        """Run git and return its output.

        Raises `GitFailed` for exit codes not in `allowed`, and for more output than `max_bytes`.
        """
        output, code, message = await self._communicate(arguments, max_bytes, stdin)
        if len(output) > max_bytes:
            raise GitFailed(f"git {arguments[0]} wrote more than {max_bytes} bytes")
        if code not in allowed:
            raise GitFailed(message or f"git {arguments[0]} exited with {code}")
        return output

    async def read_some(self, *arguments: str, max_bytes: int, allowed: Sequence[int] = (0,)) -> bytes:
        """Like `run`, but truncate the output at `max_bytes`."""
        output, code, message = await self._communicate(arguments, max_bytes)
        if len(output) <= max_bytes and code not in allowed:
            raise GitFailed(message or f"git {arguments[0]} exited with {code}")
        return output[:max_bytes]

    async def _communicate(
        self, arguments: Sequence[str], max_bytes: int, stdin: bytes = b""
    ) -> tuple[bytes, int, str]:
        process = await self._start(arguments, has_stdin=bool(stdin))
        try:
            async with asyncio.timeout(self.timeout_s):
                output, errors, _ = await asyncio.gather(
                    _read(process, max_bytes + 1), _drain(process), _write(process, stdin)
                )
                await process.wait()
        except TimeoutError as error:
            raise GitFailed(f"git {arguments[0]} took longer than {self.timeout_s:.0f} s") from error
        finally:
            await _end(process)
        return output, process.returncode or 0, _last_line(errors)

    async def _start(self, arguments: Sequence[str], *, has_stdin: bool) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *self._command(),
                *map(os.fsencode, arguments),
                cwd=self.directory,
                env=self._environment(),
                stdin=asyncio.subprocess.PIPE if has_stdin else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,  # so that its child processes can be killed with it
            )
        except (OSError, ValueError) as error:  # no git, no directory, a NUL in a name
            raise GitFailed(f"git cannot start: {error}") from error

    def _command(self) -> tuple[str, ...]:
        if self.max_file_blocks is None:
            return ("git", "--no-pager")
        return ("sh", "-c", 'ulimit -f "$0" && exec git --no-pager "$@"', str(self.max_file_blocks))

    def _environment(self) -> dict[str, str]:
        settings = _OVERRIDES | dict(self.config)
        numbered = {"GIT_CONFIG_COUNT": str(len(settings))}
        for index, (key, value) in enumerate(settings.items()):
            numbered[f"GIT_CONFIG_KEY_{index}"] = key
            numbered[f"GIT_CONFIG_VALUE_{index}"] = value
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return inherited | _ENVIRONMENT | numbered | dict(self.environment)


async def _read(process: asyncio.subprocess.Process, limit: int) -> bytes:
    """Read output up to the limit, then kill git."""
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
    """Read stderr to the end, so that git never blocks, and keep its last part."""
    assert process.stderr is not None
    kept = b""
    while part := await process.stderr.read(65_536):
        kept = (kept + part)[-4_096:]
    return kept


async def _write(process: asyncio.subprocess.Process, stdin: bytes) -> None:
    """Write the input; if git exits before reading all of it, its exit code says why."""
    if process.stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(stdin)
        await process.stdin.drain()
    process.stdin.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Leave no running process and no open pipe."""
    _kill(process)
    await process.communicate()


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _last_line(errors: bytes) -> str:
    lines = errors.decode("utf-8", "replace").strip().split("\n")
    message = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1])
    return message.removeprefix("fatal:").removeprefix("error:").strip()[:300]
