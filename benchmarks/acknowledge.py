"""How long GitHub waits for the response to a webhook: 30 together, then a stream, while their reviews run.

python -m benchmarks.acknowledge [--rate 50] [--seconds 20]
"""

import argparse
import asyncio
from statistics import median

from benchmarks.figures import Figure, percentile, print_figures
from benchmarks.local_deployment import OWNERS, LocalDeployment, deploy_locally
from benchmarks.sender import send_all

AT_ONCE = 30
TARGET_MS = 250
WARM_UP = 10_000
GITHUB_S, MODELS_S = 0.1, 2.0


async def measure(*, rate: float = 50.0, seconds: float = 20.0) -> list[Figure]:
    """Measure the burst and the stream, each with its own App."""
    burst = await _measure(AT_ONCE, rate=0.0)
    stream = await _measure(int(rate * seconds), rate=rate)
    return [
        _figure(f"webhook to 202, {AT_ONCE} at once", burst, "peer: p50 33 s"),
        _figure(f"webhook to 202, {rate:g}/s for {seconds:g} s", stream, "0 errors"),
    ]


async def _measure(deliveries: int, *, rate: float) -> list[tuple[int, float]]:
    async with deploy_locally(github_s=GITHUB_S, models_s=MODELS_S) as deployment:
        first = deployment.open_pull(WARM_UP)  # warm up: the first deliveries load modules
        await deployment.deliver()
        await deployment.until_reviewed(first)
        deployment.github.hook.queue.clear()
        opened = [_open(deployment, number) for number in range(deliveries)]
        waiting = [each for each in deployment.github.hook.queue if each.event == "pull_request"]
        assert len(waiting) == len(opened)
        return await send_all(f"{deployment.app_url}/webhooks/github", waiting, rate=rate)


def _open(deployment: LocalDeployment, number: int) -> object:
    """Open pull requests of one repository in each installation."""
    known = [
        each for each in deployment.github.repositories.values() if each.name == f"shop-{number % OWNERS}"
    ]
    if not known:
        return deployment.open_pull(number)
    return known[0].open_pull(
        {"shop/notes.py": f"NUMBER = {number}\n"}, title=f"Note {number}", branch=f"note-{number}"
    )


def _figure(name: str, answers: list[tuple[int, float]], remark: str) -> Figure:
    times_ms = [taken_s * 1_000 for _, taken_s in answers]
    errors = sum(status != 202 for status, _ in answers)
    p99_ms = percentile(times_ms, 0.99)
    return Figure(
        name=name,
        measured=f"p50 {median(times_ms):.0f} ms, p99 {p99_ms:.0f} ms, {errors} errors",
        target=f"p99 ≤ {TARGET_MS} ms ({remark})",
        reached=p99_ms <= TARGET_MS and not errors,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    print_figures(asyncio.run(measure(rate=options.rate, seconds=options.seconds)))
