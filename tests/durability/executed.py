"""`quorum serve` executed the way an operator does: with any installed release, and with its own clock. Not a test."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import httpx

QUORUM = Path(sys.executable).with_name("quorum")


class ExecutedApp:
    """One `quorum serve`, which can be killed and started again with the same address and data directory.

    Unlike `AppProcess`, it is executed and not forked: it may be another release, and its environment may preload
    a library.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], *, quorum: Path = QUORUM) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self.quorum = quorum
        folder.mkdir(parents=True, exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = int(listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> Path:
        """The log of all of its runs."""
        return self._folder / "app.log"

    @property
    def pid(self) -> int:
        """The pid of the running process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it without waiting; see `until_ready`."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self.quorum, "serve", "--port", str(self._port)],
                cwd=self._folder,
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    async def until_ready(self, client: httpx.AsyncClient) -> None:
        """Wait until it accepts deliveries; raises `RuntimeError` if it ends instead."""
        while True:
            if self._process is None or not self.is_running:
                code = self._process and self._process.returncode
                raise RuntimeError(f"quorum serve has ended with {code}: {self.log.read_text()[-2_000:]}")
            with suppress(httpx.TransportError):
                if (await client.get(f"{self.url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.05)

    def kill(self) -> None:
        """Send SIGKILL, and wait until it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def stop(self) -> int | None:
        """Send SIGTERM, and return the exit code."""
        if self._process is None:
            return None
        self._process.terminate()
        return await asyncio.to_thread(self._process.wait)
