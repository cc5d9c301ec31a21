"""Clients without the secret: nothing of theirs is accepted, memory stays flat, and GitHub is answered meanwhile.

    python -m benchmarks.forged [--requests 10000]

Ten thousand forged or malformed requests go to one receiver; large bodies and idle connections go to `quorum serve`. Linux only.
"""

import argparse
import asyncio
import os
import resource
from collections import Counter
from pathlib import Path

from benchmarks.figures import Figure, print_figures
from benchmarks.local_deployment import LocalDeployment, deploy_locally
from benchmarks.sender import send_all
from benchmarks.strangers import WRONG_SIGNATURE, drip_header_s, idle_connections, post_large_bodies
from tests.security.forging import ReceiverProbe, forged_requests

WARM = 1_000
MAX_GROWTH_MB = 50  # twice the largest body
CLIENTS = 40
IDLE = 1_005
ANSWER_MS = 250
SLOWEST_HEADER_S = 15


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


async def measure_server() -> list[Figure]:
    """Attack one `quorum serve` over raw sockets, after its first review."""
    _raise_file_limit()
    async with deploy_locally(vendors=()) as deployment:
        first = deployment.open_pull(1)
        await deployment.deliver()
        await deployment.until_reviewed(first)
        return [
            await _large_bodies(deployment, "with a wrong signature", header=WRONG_SIGNATURE),
            await _large_bodies(deployment, "unsigned", header=b""),
            await _idle(deployment),
            await _slow_header(deployment),
        ]


async def _large_bodies(deployment: LocalDeployment, name: str, *, header: bytes) -> Figure:
    pid = deployment.process.pid
    _reset_peak(pid)
    before_mb = _memory_mb(pid, "VmRSS")
    answers = await post_large_bodies(_port(deployment), clients=CLIENTS, header=header)
    peak_mb = _memory_mb(pid, "VmHWM")
    return Figure(
        name=f"{CLIENTS} bodies of 24 MB, {name} {dict(sorted(answers.items()))}",
        measured=f"{before_mb:.0f} MB before, {peak_mb:.0f} MB at the peak",
        target=f"< +{MAX_GROWTH_MB} MB",
        reached=peak_mb - before_mb < MAX_GROWTH_MB,
    )


def _reset_peak(pid: int) -> None:
    """https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html"""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


async def _idle(deployment: LocalDeployment) -> Figure:
    async with idle_connections(_port(deployment), count=IDLE):
        number = IDLE
        deployment.open_pull(number)
        deliveries = deployment.github.hook.queue
        answers = await send_all(f"{deployment.app_url}/webhooks/github", list(deliveries), rate=0.0)
        deliveries.clear()
    refused = sum(status not in (200, 202) for status, _ in answers)
    slowest_ms = max(taken_s for _, taken_s in answers) * 1_000
    return Figure(
        name=f"{len(answers)} deliveries beside {IDLE} connections that send half a header",
        measured=f"{refused} refused, slowest {slowest_ms:.0f} ms",
        target=f"0 refused, ≤ {ANSWER_MS} ms",
        reached=not refused and slowest_ms <= ANSWER_MS,
    )


async def _slow_header(deployment: LocalDeployment) -> Figure:
    open_s = await drip_header_s(_port(deployment))
    return Figure(
        name="a header that arrives with one byte a second",
        measured=f"closed after {open_s:.0f} s",
        target=f"≤ {SLOWEST_HEADER_S} s",
        reached=open_s <= SLOWEST_HEADER_S,
    )


def _port(deployment: LocalDeployment) -> int:
    return int(deployment.app_url.rpartition(":")[2])


def _raise_file_limit() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * IDLE) if hard > 0 else 4 * IDLE, hard))


def _resident_mb() -> float:
    return _memory_mb(os.getpid(), "VmRSS")


def _memory_mb(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


async def _measure_all(*, requests: int) -> list[Figure]:
    return [await measure(requests=requests), *await measure_server()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    options = parser.parse_args()
    print_figures(asyncio.run(_measure_all(requests=options.requests)))
