"""What goes wrong during a soak, one thing after another: vendors, GitHub, the database, the disk, the clock, and kills."""

import asyncio
import math
import os
import random
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from contextlib import closing, contextmanager, suppress
from io import FileIO
from pathlib import Path

import psycopg

from app.domain.model_call import Provider
from github_sandbox.limits import Fault as GitHubFault
from tests.durability.executed import ExecutedApp
from tests.durability.stand_ins import StandIns
from tests.fakes.vendors import Fault as VendorFault

CLOCK = Path(__file__).with_name("soak_clock.c")
VENDORS = (Provider.CLAUDE, Provider.GPT, Provider.GEMINI)
VENDOR_FAULTS = (
    VendorFault.RATE_LIMITED, VendorFault.SERVER_ERROR, VendorFault.OVERLOADED, VendorFault.REFUSED,
    VendorFault.HANGS, VendorFault.NOT_JSON, VendorFault.TRUNCATED, VendorFault.BAD_KEY,
)  # fmt: skip
GITHUB_FAULTS = (
    GitHubFault.SERVER_ERROR, GitHubFault.BAD_GATEWAY, GitHubFault.DONE_THEN_BAD_GATEWAY, GitHubFault.CUT,
    GitHubFault.DONE_THEN_CUT, GitHubFault.SECONDARY_LIMIT, GitHubFault.SECONDARY_LIMIT_BARE,
    GitHubFault.PRIMARY_LIMIT, GitHubFault.UNAUTHORIZED,
)  # fmt: skip
METHODS = ("POST", "PATCH", "GET")
JUMPS_S = (45, -45, 900, -900, 3_600, -3_600)
FULL_S = 60.0
LOCKED_S = 40.0  # longer than SQLite's busy timeout of the App
RESTART_S = 2.0
DATA_MIB = 192  # of the small disk


class Trouble:
    """Makes things go wrong, from a shuffled deck, so that each thing happens equally often."""

    def __init__(
        self, around: StandIns, app: ExecutedApp, *, url: str, data: Path, clock: Path, seed: int
    ) -> None:
        self._around = around
        self._app = app
        self._url = url
        self._data = data
        self._clock = clock
        self._rng = random.Random(seed)
        self._deck: list[Callable[[], Awaitable[None]]] = []
        self.done: Counter[str] = Counter()
        self.moves_clock = clock.exists()
        self.lives = 1
        self.is_killing = False

    async def run(self, *, pause_s: float) -> None:
        """One fault after another, until cancelled; everything works again afterwards."""
        while True:
            if not self._deck:
                self._deck = [
                    *[self._vendor] * 4, *[self._github] * 5, self._lock, self._expire,
                    *([self._jump] if self.moves_clock else []),
                    *([self._fill] if self._data.is_mount() else []),
                ]  # fmt: skip
                self._rng.shuffle(self._deck)
            await self._deck.pop()()
            await asyncio.sleep(pause_s)

    def share(self) -> float:
        """A random number from 0.5 to 1.5."""
        return self._rng.uniform(0.5, 1.5)

    async def kill(self) -> None:
        """SIGKILL or, one time in five, SIGTERM; then start again."""
        self.is_killing = True
        if self._rng.random() < 0.2:
            self.done["SIGTERM"] += 1
            await self._app.stop()
        else:
            self.done["SIGKILL"] += 1
            self._app.kill()
        await self.restart()

    async def restart(self) -> None:
        """Start it, again and again if it ends: it may, while its disk is full or its database is locked."""
        self.is_killing = True
        self.lives += 1
        while True:
            self._app.start()
            try:
                await self._app.until_ready(self._around.client)
            except RuntimeError:
                self.done["starts that failed"] += 1
                await asyncio.sleep(RESTART_S)
            else:
                break
        self.is_killing = False

    async def _vendor(self) -> None:
        provider, fault = self._rng.choice(VENDORS), self._rng.choice(VENDOR_FAULTS)
        self.done[f"vendor: {fault}"] += 1
        self._around.vendors.fail(provider, fault, times=self._rng.choice((1, 2, None)))
        try:
            await asyncio.sleep(self._rng.uniform(10, 30))
        finally:
            self._around.vendors.heal(provider)

    async def _github(self) -> None:
        fault = self._rng.choice(GITHUB_FAULTS)
        self.done[f"GitHub: {fault}"] += 1
        self._around.github.faults.inject(
            fault, method=self._rng.choice(METHODS), times=self._rng.choice((1, 2, 5)), retry_after_s=10
        )
        await asyncio.sleep(self._rng.uniform(10, 20))

    async def _expire(self) -> None:
        self.done["tokens expired"] += 1
        self._around.github.tokens.revoke_all()
        await asyncio.sleep(1)

    async def _jump(self) -> None:
        jump_s = self._rng.choice(JUMPS_S)
        self.done[f"clock {jump_s:+} s"] += 1
        set_clock(self._clock, jump_s)
        try:
            await asyncio.sleep(self._rng.uniform(20, 40))
        finally:
            set_clock(self._clock, 0)

    async def _lock(self) -> None:
        self.done["database locked"] += 1
        lock = _lock_sqlite if self._url.startswith("sqlite") else _lock_postgres
        with lock(self._url):
            await asyncio.sleep(LOCKED_S)

    async def _fill(self) -> None:
        self.done["disk full"] += 1
        filler = self._data / "filler"
        until_s = time.monotonic() + FULL_S
        # A file that is open can be deleted while a thread still writes to it, and is not created again.
        with filler.open("ab", buffering=0) as file:
            try:
                while time.monotonic() < until_s:
                    await asyncio.to_thread(_fill_disk, file)
                    await asyncio.sleep(1)
            finally:
                filler.unlink(missing_ok=True)


def set_clock(clock: Path, offset_s: int) -> None:
    """Move the App's clock; it notices within a second."""
    beside = clock.with_suffix(".new")
    beside.write_text(f"{offset_s}\n")
    beside.rename(clock)


def clock_environment(clock: Path) -> dict[str, str]:
    """Return the variables that make a process take its offset from the file; none if there is no C compiler."""
    library = clock.with_suffix(".so")
    compiler = shutil.which("cc")
    command = [str(compiler), "-O2", "-shared", "-fPIC", "-o", str(library), str(CLOCK)]
    if not compiler or not _succeeds(command):
        return {}
    set_clock(clock, 0)
    return {"LD_PRELOAD": str(library), "SOAK_CLOCK": str(clock)}


@contextmanager
def small_disk(folder: Path) -> Generator[bool]:
    """Mount a small disk at the folder while the block runs; False where this is not allowed."""
    folder.mkdir(parents=True)
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", f"size={DATA_MIB}m,mode=0700", "tmpfs", str(folder)]
    mounted = bool(mount) and os.geteuid() == 0 and _succeeds(command)
    try:
        yield mounted
    finally:
        if mounted:
            _succeeds(["umount", "--lazy", str(folder)])


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _fill_disk(file: FileIO) -> None:
    with suppress(OSError, ValueError):  # full, or closed meanwhile
        for _ in range(math.ceil(DATA_MIB)):
            file.write(bytes(1 << 20))
    with suppress(OSError, ValueError):
        while file.write(bytes(512)):
            pass


@contextmanager
def _lock_sqlite(url: str) -> Generator[None]:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=60)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def _lock_postgres(url: str) -> Generator[None]:
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
        yield
