"""How much longer a review takes than the models it waits for: GitHub latency 100 ms, models 2 s.

python -m benchmarks.wall_time
"""

import asyncio
import time
from collections.abc import Sequence
from statistics import median

from benchmarks.figures import Figure, print_figures
from benchmarks.local_deployment import NOTHING, VENDORS, Interval, LocalDeployment, cpu_s, deploy_locally

ROUNDS = 5
TARGET_S = 1.5
TARGET_WORDS_S = 2.0
TARGET_CLEAN_S = 3.2
GITHUB_S, MODELS_S = 0.1, 2.0


async def measure() -> list[Figure]:
    """From the webhook to the last check run, minus the time in which at least one model was working in the same run."""
    async with deploy_locally(github_s=GITHUB_S, models_s=MODELS_S) as deployment:
        first = await _review(deployment, 1)
        before_s = cpu_s(deployment.process.pid)
        later = [await _review(deployment, number) for number in range(2, 2 + ROUNDS)]
        used_s = (cpu_s(deployment.process.pid) - before_s) / ROUNDS
        deployment.vendors.answers = dict.fromkeys(VENDORS, lambda _: NOTHING)
        clean = [await _review(deployment, number) for number in range(20, 20 + ROUNDS)]
    walls, own, words = zip(*later, strict=True)
    return [
        Figure(
            name=f"wall time over the slowest model chain ({used_s:.2f} s of CPU)",
            measured=_measured(median(own), median(walls)),
            target=f"≤ +{TARGET_S} s (peer: +4.7 s)",
            reached=median(own) <= TARGET_S,
        ),
        Figure(
            name="webhook to last check run if no model finds anything",
            measured=f"{median(each[0] for each in clean):.2f} s",
            target=f"≤ {TARGET_CLEAN_S} s",
            reached=median(each[0] for each in clean) <= TARGET_CLEAN_S,
        ),
        Figure(
            name="from the first answer of a model to the first completed check run",
            measured=f"{median(words):.2f} s",
            target=f"≤ {TARGET_WORDS_S} s",
            reached=median(words) <= TARGET_WORDS_S,
        ),
        Figure(
            name="a review that is sent to a fresh process while it loads the SDKs",
            measured=_measured(first[1], first[0]),
            target="none",
            reached=None,
        ),
    ]


async def _review(deployment: LocalDeployment, number: int) -> tuple[float, float, float]:
    """Wall time, the part of it in which no model was called, and the time of the first words, in seconds."""
    deployment.thinking.clear()
    pull = deployment.open_pull(number)
    started_s = time.monotonic()
    delivering = asyncio.create_task(deployment.deliver())
    first_s = await deployment.until_completed(pull, runs=1)
    ended_s = await deployment.until_reviewed(pull)
    await delivering
    wall_s = ended_s - started_s
    answered_s = min(each.ended_s for each in deployment.thinking)
    return wall_s, wall_s - covered_s(deployment.thinking), first_s - answered_s


def covered_s(intervals: Sequence[Interval]) -> float:
    """The length of the union of the intervals."""
    total_s = reached_s = 0.0
    for each in sorted(intervals, key=lambda interval: interval.started_s):
        total_s += max(0.0, each.ended_s - max(each.started_s, reached_s))
        reached_s = max(reached_s, each.ended_s)
    return total_s


def _measured(own_s: float, wall_s: float) -> str:
    return f"+{own_s:.2f} s of {wall_s:.2f} s"


if __name__ == "__main__":
    print_figures(asyncio.run(measure()))
