"""How much of a core the App uses while nothing happens: `quorum serve` on SQLite without a key, after a review. Linux only.

python -m benchmarks.idle [--seconds 30]
"""

import argparse
import asyncio
import time

from benchmarks.figures import ADDITIONS, Figure, calibrate_s, print_figures
from benchmarks.local_deployment import cpu_s, deploy_locally

SETTLE_S = 65.0  # DBOS looks for schedules every second during its first minute
TARGET_PERCENT = 1.0


async def measure(*, seconds: float) -> Figure:
    """Review once, wait, and measure."""
    async with deploy_locally(vendors=()) as deployment:
        pull = deployment.open_pull(1)
        await deployment.deliver()
        await deployment.until_reviewed(pull)
        await asyncio.sleep(SETTLE_S)
        before_s, started_s = cpu_s(deployment.process.pid), time.monotonic()
        await asyncio.sleep(seconds)
        share = (cpu_s(deployment.process.pid) - before_s) / (time.monotonic() - started_s) * 100
    slowness = calibrate_s()
    return Figure(
        name=f"idle for {seconds:g} s ({ADDITIONS:,} additions take {slowness:.1f} s here)",
        measured=f"{share:.1f} % of this core, {share / slowness:.1f} % where they take 1 s",
        target=f"≤ {TARGET_PERCENT:g} % where they take 1 s",
        reached=share / slowness <= TARGET_PERCENT,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    print_figures([asyncio.run(measure(seconds=parser.parse_args().seconds))])
