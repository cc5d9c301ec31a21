"""A worker dies during its reviews and does not come back: how long until another has finished them.

    python -m benchmarks.takeover

Two processes on one PostgreSQL, models with 2 s latency. Finished steps do not run again: no model is called twice.
"""

import asyncio
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, print_figures
from tests import postgres
from tests.durability.app_process import AppProcess
from tests.durability.killing import faults_of
from tests.durability.many import all_reviewed, open_pulls, send_all
from tests.durability.stand_ins import stand_ins

REVIEWS = 15
TARGET_S = 30.0
MODELS_S = 2.0


async def measure(folder: Path, database_url: str) -> Figure:
    """Kill one of two processes once every review has called its models."""
    async with stand_ins(folder, github_s=0.02, models_s=MODELS_S) as around:
        apps = [
            AppProcess(folder / f"app-{n}", around.environment(data=f"data-{n}", database_url=database_url))
            for n in range(2)
        ]
        try:
            for app in apps:
                app.start()
                await app.until_ready(around.client)
            open_pulls(around, count=REVIEWS, installations=5)
            await send_all(around, apps[0])
            while len(around.vendors.requests) < REVIEWS:  # noqa: ASYNC110 - servers of this process are asked
                await asyncio.sleep(0.01)
            apps[0].kill()
            killed_s = time.monotonic()
            await all_reviewed(around)
            took_s = time.monotonic() - killed_s
        finally:
            for app in apps:
                app.kill()
        sent = Counter((each.provider, each.prompt) for each in around.vendors.requests)
        again = sum(times - 1 for times in sent.values())
        faults = faults_of(around.github)
    return Figure(
        name=f"{REVIEWS} reviews of which one of two processes held a part, after its death",
        measured=f"all ended in {took_s:.1f} s, {len(faults)} faults, {again} calls in flight made again",
        target=f"≤ {TARGET_S:.0f} s, 0 faults",
        reached=took_s <= TARGET_S and not faults,
    )


def main() -> None:
    """Measure and print."""
    with (
        TemporaryDirectory(prefix="quorum-bench-") as folder,
        postgres.server() as server,
        postgres.fresh_database(server) as url,
    ):
        print_figures([asyncio.run(measure(Path(folder), url))])


if __name__ == "__main__":
    main()
