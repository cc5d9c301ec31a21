"""Reviews a minute over a dozen installations, GitHub 100 ms and models 2 s away, by one and by two processes.

    python -m benchmarks.throughput [--reviews 60] [--database sqlite|postgresql] [--processes 1]

The stand-ins share the machine's cores with the App: what they use is missing in the figure.
"""

import argparse
import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, print_figures
from tests import postgres
from tests.durability.app_process import AppProcess
from tests.durability.many import all_reviewed, open_pulls, send_all
from tests.durability.stand_ins import stand_ins

INSTALLATIONS = 12
GITHUB_S, MODELS_S = 0.1, 2.0
BAR = 200


async def measure(folder: Path, *, reviews: int, processes: int, database_url: str | None) -> Figure:
    """All at once, and the time until the last one stands."""
    async with stand_ins(folder, github_s=GITHUB_S, models_s=MODELS_S) as around:
        url = database_url or f"sqlite:///{folder / 'quorum.db'}"
        apps = [
            AppProcess(folder / f"app-{n}", around.environment(data=f"data-{n}", database_url=url))
            for n in range(processes)
        ]
        open_pulls(around, count=reviews, installations=INSTALLATIONS)
        try:
            for app in apps:
                app.start()
                await app.until_ready(around.client)
            started_s = time.monotonic()
            await send_all(around, apps[0])
            await all_reviewed(around)
            took_s = time.monotonic() - started_s
        finally:
            for app in apps:
                app.kill()
    rate = reviews / took_s * 60
    return Figure(
        name=f"{reviews} reviews, {INSTALLATIONS} installations, {processes} process(es), {url.partition(':')[0]}",
        measured=f"{rate:.0f} reviews/min",
        bar=f"≥ {BAR} (peer: 12)",
        reached=rate >= BAR,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reviews", type=int, default=60)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="quorum-bench-") as folder:
        how = {"reviews": given.reviews, "processes": given.processes}
        if given.database == "sqlite":
            figure = asyncio.run(measure(Path(folder), **how, database_url=None))
        else:
            with postgres.server() as server, postgres.fresh_database(server) as url:
                figure = asyncio.run(measure(Path(folder), **how, database_url=url))
    print_figures([figure])


if __name__ == "__main__":
    main()
