"""Reviews per minute over thirty installations, GitHub latency 100 ms, models 2 s: on SQLite, on PostgreSQL, with two processes.

    python -m benchmarks.throughput [--reviews 160]

The stand-ins and PostgreSQL share the machine's cores with the App; the output includes the most that the cores allow with
everything on them. With fewer installations two processes would measure GitHub's limits instead: 900 points a minute are
about twenty reviews of one installation.
"""

import argparse
import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, print_figures
from benchmarks.local_deployment import cpu_s, machine_s
from tests import postgres
from tests.durability.app_process import AppProcess
from tests.durability.many import POLL_S, all_reviewed, open_pulls, send_all
from tests.durability.stand_ins import FILES, StandIns, faulty_file, stand_ins

INSTALLATIONS = 30
SENDERS = 8  # concurrent deliveries from GitHub
GITHUB_S, MODELS_S = 0.1, 2.0
TARGET, SCALING_TARGET = 200, 1.7
WARM_UP = 4  # warm-up reviews per process, which import the SDKs


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """One measurement."""

    reviews: int
    took_s: float
    apps_cpu_s: float
    stand_ins_cpu_s: float
    machine_s: float  # CPU seconds of all processes

    @property
    def per_minute(self) -> float:
        """Reviews per minute."""
        return self.reviews / self.took_s * 60

    @property
    def ceiling(self) -> float:
        """Reviews per minute if no core were ever idle."""
        return (os.cpu_count() or 1) * 60 * self.reviews / self.machine_s

    def figure(self, name: str) -> Figure:
        """The figure with its target."""
        apps_s, around_s, all_s = (
            each / self.reviews for each in (self.apps_cpu_s, self.stand_ins_cpu_s, self.machine_s)
        )
        return Figure(
            name=f"{self.reviews} reviews, {INSTALLATIONS} installations, {name}",
            measured=f"{self.per_minute:.0f} reviews/min (CPU a review: {apps_s:.2f} s, stand-ins {around_s:.2f} s, all {all_s:.2f} s)",
            target=f"≥ {TARGET} (peer: 12); these cores allow {self.ceiling:.0f}",
            reached=self.per_minute >= TARGET,
        )


async def measure(folder: Path, *, reviews: int, processes: int, database_url: str) -> Throughput:
    """Deliver everything together, and measure the time until the last review is posted."""
    async with stand_ins(folder, github_s=GITHUB_S, models_s=MODELS_S) as around:
        apps = [
            AppProcess(folder / f"app-{n}", around.environment(data=f"data-{n}", database_url=database_url))
            for n in range(processes)
        ]
        try:
            for app in apps:
                app.start()
                await app.until_ready(around.client)
            await _warm_up(around, apps)
            open_pulls(around, count=reviews, installations=INSTALLATIONS)
            apps_s, own_s, all_s, started_s = (
                _cpu_s(apps),
                time.process_time(),
                machine_s(),
                time.monotonic(),
            )
            await _reviewed(around, apps[0])
            return Throughput(
                reviews=reviews,
                took_s=time.monotonic() - started_s,
                apps_cpu_s=_cpu_s(apps) - apps_s,
                stand_ins_cpu_s=time.process_time() - own_s,
                machine_s=machine_s() - all_s,
            )
        finally:
            for app in apps:
                app.kill()


async def _warm_up(around: StandIns, apps: list[AppProcess]) -> None:
    repository = around.github.create_repository("warm/shop", FILES)
    for number in range(WARM_UP * len(apps)):
        repository.open_pull(faulty_file(10_000 + number), title=f"Warm {number}", branch=f"warm-{number}")
    await _reviewed(around, apps[0])


async def _reviewed(around: StandIns, app: AppProcess) -> None:
    """Wait until everything is posted; meanwhile the App's writes come back as deliveries, as from GitHub."""
    senders = [asyncio.create_task(_send(around, app)) for _ in range(SENDERS)]
    await all_reviewed(around)
    for sender in senders:
        sender.cancel()


async def _send(around: StandIns, app: AppProcess) -> None:
    while True:
        await send_all(around, app)
        await asyncio.sleep(POLL_S)


def _cpu_s(apps: list[AppProcess]) -> float:
    return sum(cpu_s(app.pid) for app in apps)


def _scaling(one: Throughput, two: Throughput) -> Figure:
    ratio, allowed = two.per_minute / one.per_minute, two.ceiling / one.per_minute
    return Figure(
        name="a second process on PostgreSQL",
        measured=f"{ratio:.1f} × the throughput of one",
        target=f"≥ {SCALING_TARGET} × if cores allow; these allow {allowed:.1f} ×",
        reached=ratio >= SCALING_TARGET or allowed < SCALING_TARGET,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reviews", type=int, default=160)
    reviews = parser.parse_args().reviews
    with TemporaryDirectory(prefix="quorum-bench-") as folder:
        url = f"sqlite:///{folder}/quorum.db"
        took = asyncio.run(measure(Path(folder), reviews=reviews, processes=1, database_url=url))
        print_figures([took.figure("one process, SQLite")])
    measured: list[Throughput] = []
    with postgres.server() as server:
        for processes in (1, 2):
            with (
                TemporaryDirectory(prefix="quorum-bench-") as folder,
                postgres.fresh_database(server) as url,
            ):
                how = {"reviews": reviews, "processes": processes}
                measured.append(asyncio.run(measure(Path(folder), **how, database_url=url)))
                print_figures([measured[-1].figure(f"{processes} process(es), PostgreSQL")])
    print_figures([_scaling(*measured)])


if __name__ == "__main__":
    main()
