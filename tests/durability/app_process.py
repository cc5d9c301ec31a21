"""`quorum serve` in processes that tests kill. They are forked from one that has imported everything. Not a test.

So a restart costs only the App's own start and not Python's imports, and twenty kills fit into a test.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

import httpx

from webhooks.bodies import GITHUB_LIMITS, RequestLimits

Role = Literal["web", "worker", "all"]
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.durability.preloaded"])


def _serve(folder: str, environment: dict[str, str], port: int, role: Role, limits: RequestLimits) -> None:
    """Run the command itself, with an operator's environment and its own working directory."""
    log = os.open(Path(folder) / "app.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from app.commands.serve import serve

    serve(host="127.0.0.1", port=port, role=role, poll=False, limits=limits)


class AppProcess:
    """One `quorum serve`, which can be killed and started again with the same address and data directory."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        role: Role = "all",
        limits: RequestLimits = GITHUB_LIMITS,
    ) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._role: Role = role
        self._limits = limits
        self._process: BaseProcess | None = None
        folder.mkdir(parents=True, exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = int(listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> Path:
        """The log of all of its runs."""
        return self._folder / "app.log"

    def start(self) -> None:
        """Start it without waiting; see `until_ready`."""
        process = FORKS.Process(
            target=_serve,
            args=(str(self._folder), self._environment, self._port, self._role, self._limits),
            daemon=True,
        )
        process.start()
        self._process = process

    async def until_ready(self, client: httpx.AsyncClient) -> None:
        """Wait until it accepts deliveries; raises `RuntimeError` if it ends instead."""
        while True:
            if self._process is None or not self._process.is_alive():
                raise RuntimeError(f"quorum serve has ended: {self.log.read_text()[-2_000:]}")
            with suppress(httpx.TransportError):
                if (await client.get(f"{self.url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.01)

    @property
    def pid(self) -> int:
        """The pid of the running process."""
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        """Send SIGKILL, and wait until it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    async def stop(self) -> int | None:
        """Send SIGTERM, and return the exit code."""
        if self._process is None:
            return None
        self._process.terminate()
        await asyncio.to_thread(self._process.join)
        return self._process.exitcode
