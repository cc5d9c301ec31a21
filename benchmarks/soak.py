"""The App under mixed traffic and trouble for hours: what is lost, what is posted twice, and what grows.

    python -m benchmarks.soak --hours 1 [--database sqlite|postgresql|both] [--interval-s 12] [--seed 1]

People open, push, command, close and merge while vendors, GitHub, the database, the disk and the clock fail. During the
first third, the process is killed and stopped again and again; after that, one process lives to the end, and its second
half is compared with its first. At the end, a start with a clock past the retention period shows what is deleted.

The full disk needs root and a small tmpfs, and clock jumps need a C compiler; the first lines say whether
they happen. Linux only.
"""

import argparse
import asyncio
import math
import os
import signal
import time
from collections.abc import Coroutine, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.store.database import Database
from app.store.deliveries import DeliveryState, load_queue_depth
from benchmarks.figures import Figure, print_figures
from benchmarks.soak_faults import Trouble, clock_environment, set_clock, small_disk
from benchmarks.soak_growth import Sample, count_rows, growth_figures, retention_figures, take_sample
from benchmarks.soak_results import (
    doubled,
    load_deliveries,
    load_started_runs,
    lost_deliveries,
    sentence_of,
    unfinished,
)
from benchmarks.soak_traffic import Traffic
from tests import postgres
from tests.durability.executed import ExecutedApp
from tests.durability.stand_ins import StandIns, stand_ins

KILLED_SHARE = 1 / 3  # of the run
KILLS_PER_HOUR = 20
SAMPLE_S = 10.0
PROGRESS_S = 60.0
SETTLE_S = 900.0  # without the end of any job
PAST_RETENTION_S = 40 * 86_400
SWEEP_WAIT_S = 60.0
MOST_SHOWN = 20
MODELS_S = 0.5
GITHUB_S = 0.02
CALL_TIMEOUT_S = "15"


@dataclass(kw_only=True)
class Soak:
    """One App with its stand-ins, traffic and trouble."""

    engine: str
    url: str
    folder: Path
    around: StandIns
    app: ExecutedApp
    traffic: Traffic
    trouble: Trouble
    begun_s: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list[Sample])
    faults: list[str] = field(default_factory=list[str])

    async def run(self, *, hours: float, interval_s: float) -> None:
        """Run the traffic and the trouble, then let everything end."""
        run_s = hours * 3_600
        self.app.start()
        await self.app.until_ready(self.around.client)
        watching = [asyncio.create_task(self._watch()), asyncio.create_task(self._report())]
        sending = asyncio.create_task(self.traffic.send())
        working = [
            asyncio.create_task(self.traffic.work(interval_s=interval_s)),
            asyncio.create_task(self.trouble.run(pause_s=interval_s)),
        ]
        killing = asyncio.create_task(self._kill(until_s=run_s * KILLED_SHARE))
        await _first_failure([killing, *working, sending, *watching], run_s)
        await _end(working)
        self.around.vendors.heal_all()
        await self.traffic.until_sent()
        await self._settle()
        await _end([sending, *watching])

    async def _kill(self, *, until_s: float) -> None:
        while self._elapsed_s() + 3_600 / KILLS_PER_HOUR / 2 < until_s:
            await asyncio.sleep(3_600 / KILLS_PER_HOUR * self.trouble.share())
            await self.trouble.kill()
        await asyncio.Event().wait()

    async def _watch(self) -> None:
        """Sample the process; it must not end by itself."""
        while True:
            await asyncio.sleep(SAMPLE_S)
            self.traffic.forget()
            if not self.app.is_running and not self.trouble.is_killing:
                self.faults.append("the process ended by itself")
                await self.trouble.restart()
            sample = take_sample(
                self.app.pid,
                life=self.trouble.lives,
                at_s=self._elapsed_s(),
                temporary=self.folder / "tmp",
                data=self.folder / "data",
            )
            if sample and not self.trouble.is_killing:
                self.samples.append(sample)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(PROGRESS_S)
            depth = await asyncio.to_thread(self._depth)
            last = self.samples[-1] if self.samples else None
            print(
                f"{self._elapsed_s() / 60:5.1f} min {self.engine}: {len(self.traffic.accepted)} accepted, "
                f"{depth} unfinished, {last}",
                flush=True,
            )

    def _depth(self) -> float:
        try:
            database = Database(self.url)
        except Exception:  # noqa: BLE001 - it is locked at the moment
            return math.nan
        depth = sum(load_queue_depth(database).values())
        database.close()
        return depth

    async def _settle(self) -> None:
        """Wait until nothing is queued or running; it is a fault if jobs stop ending."""
        left, last_s = math.inf, time.monotonic()
        while left and time.monotonic() - last_s < SETTLE_S:
            now_left = await asyncio.to_thread(self._depth)
            if now_left < left:
                left, last_s = now_left, time.monotonic()
            await asyncio.sleep(1)

    def _elapsed_s(self) -> float:
        return time.monotonic() - self.begun_s

    async def figures(self, *, clock: Path) -> list[Figure]:
        """Judge the run, then start once more past the retention period."""
        rows = await asyncio.to_thread(load_deliveries, self.url)
        lost = [*lost_deliveries(rows, self.traffic.accepted), *self.faults, *self.traffic.faults]
        lost += unfinished(self.around.github)
        started = await asyncio.to_thread(load_started_runs, self.url)
        twice = doubled(self.around.github, started)
        failed = [row for row in rows if row.state == DeliveryState.FAILED]
        for sentence in (*lost[:MOST_SHOWN], *twice[:MOST_SHOWN], *map(sentence_of, failed[:MOST_SHOWN])):
            print(f"     {self.engine}: {sentence}", flush=True)
        print(f"     {self.engine}: {dict(self.traffic.done)}", flush=True)
        print(f"     {self.engine}: {dict(self.trouble.done)}", flush=True)
        minutes = self._elapsed_s() / 60
        return [
            Figure(
                name=f"{self.engine}, {minutes:.0f} min: {len(self.traffic.accepted)} deliveries accepted",
                measured=f"{len(lost)} lost or unfinished, {len(failed)} failed",
                target="0 lost",
                reached=not lost,
            ),
            Figure(
                name=f"{self.engine}: reviews, comments and check runs posted twice",
                measured=str(len(twice)),
                target="0",
                reached=not twice,
            ),
            *growth_figures(self.engine, self.samples),
            self._cpu_figure(),
            *(await self._retention(clock) if self.trouble.moves_clock else []),
        ]

    def _cpu_figure(self) -> Figure:
        last = {sample.life: sample.cpu_s for sample in self.samples}
        share = sum(last.values()) / self._elapsed_s()
        return Figure(
            name=f"{self.engine}: the App's share of one core",
            measured=f"{share:.0%}",
            target="none",
            reached=None,
        )

    async def _retention(self, clock: Path) -> list[Figure]:
        await self.app.stop()
        before = await asyncio.to_thread(count_rows, self.url)
        set_clock(clock, PAST_RETENTION_S)
        self.app.start()
        await self.app.until_ready(self.around.client)
        await asyncio.sleep(SWEEP_WAIT_S)
        after = await asyncio.to_thread(count_rows, self.url)
        print(f"     {self.engine}: rows {before}\n     {self.engine}: past retention {after}", flush=True)
        return retention_figures(self.engine, before, after)


async def _first_failure(tasks: Sequence["asyncio.Task[None]"], run_s: float) -> None:
    """Run the tasks for this long; raise the error of one that fails."""
    done, _ = await asyncio.wait(tasks, timeout=run_s, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
    await _end(tasks[:1])


async def _end(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result


async def soak(engine: str, url: str | None, folder: Path, options: argparse.Namespace) -> list[Figure]:
    """Soak the App over one database; by default the SQLite file of its data directory."""
    (folder / "tmp").mkdir(parents=True)
    data, clock = folder / "data", folder / "clock"
    url = url or f"sqlite:///{data / 'quorum.db'}"
    moving = clock_environment(clock)
    with small_disk(data) as is_small:
        print(f"     {engine}: full disk: {is_small}; clock jumps: {bool(moving)}", flush=True)
        async with stand_ins(folder, github_s=GITHUB_S, models_s=MODELS_S) as around:
            moving |= {"TMPDIR": str(folder / "tmp"), "QUORUM_CALL_TIMEOUT_S": CALL_TIMEOUT_S}
            app = ExecutedApp(folder / "app", around.environment(data="data", database_url=url, **moving))
            run = Soak(
                engine=engine,
                url=url,
                folder=folder,
                around=around,
                app=app,
                traffic=Traffic(around, app, seed=options.seed),
                trouble=Trouble(around, app, url=url, data=data, clock=clock, seed=options.seed),
            )
            try:
                await run.run(hours=options.hours, interval_s=options.interval_s)
                return await run.figures(clock=clock)
            finally:
                app.kill()


@contextmanager
def _databases(chosen: str) -> Generator[list[tuple[str, str | None]]]:
    if chosen == "sqlite":
        yield [("sqlite", None)]
        return
    with postgres.server() as server, postgres.fresh_database(server) as url:
        yield [("postgresql", url)] if chosen == "postgresql" else [("sqlite", None), ("postgresql", url)]


async def _all(root: Path, databases: Sequence[tuple[str, str | None]], options: argparse.Namespace) -> None:
    runs: list[Coroutine[Any, Any, list[Figure]]] = [
        soak(engine, url, root / engine, options) for engine, url in databases
    ]
    for figures in await asyncio.gather(*runs):
        print_figures(figures)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--interval-s", type=float, default=12.0, help="between two things that people do")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # unmounts the disks
    with suppress(OSError):
        os.nice(10)
    with TemporaryDirectory(prefix="quorum-soak-") as root, _databases(options.database) as databases:
        asyncio.run(_all(Path(root), databases, options))


if __name__ == "__main__":
    main()
