"""Ten thousand forged or malformed webhooks: none is accepted, none causes a server error, and memory stays flat.

python -m benchmarks.forged [--requests 10000]
"""

import argparse
import asyncio
from collections import Counter
from pathlib import Path

from benchmarks.figures import Figure, print_figures
from tests.security.forging import ReceiverProbe, forged_requests

WARM = 1_000
MAX_GROWTH_MB = 50  # twice the largest body


async def measure(*, requests: int) -> Figure:
    """Send all requests to one receiver."""
    receiver, statuses = ReceiverProbe(), Counter[int]()
    for each in forged_requests(0, count=WARM):
        await receiver.post(each)
    before_mb = _resident_mb()
    for each in forged_requests(1, count=requests):
        statuses[await receiver.post(each)] += 1
    grown_mb = _resident_mb() - before_mb
    errors = sum(times for status, times in statuses.items() if status >= 500)
    return Figure(
        name=f"{requests} forged or malformed requests {dict(sorted(statuses.items()))}",
        measured=f"{len(receiver.accepted)} accepted, {errors} × 5xx, {grown_mb:+.0f} MB",
        target=f"0, 0, < {MAX_GROWTH_MB} MB",
        reached=not receiver.accepted and not errors and grown_mb < MAX_GROWTH_MB,
    )


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError("VmRSS")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    options = parser.parse_args()
    print_figures([asyncio.run(measure(requests=options.requests))])
