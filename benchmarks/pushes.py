"""What a superseded push costs: five hundred pushes to one pull request, of which only the last is reviewed. Linux only.

python -m benchmarks.pushes [--pushes 500]
"""

import argparse
import asyncio

from benchmarks.figures import ADDITIONS, Figure, calibrate_s, print_figures
from benchmarks.local_deployment import LONGEST_S, POLL_S, LocalDeployment, cpu_s, deploy_locally
from benchmarks.sender import send_all
from github_sandbox import Pull

TARGET_MS = 2.0
STAGES = 3
RATE = 20.0  # pushes per second


async def measure(*, pushes: int) -> Figure:
    """Push again and again, and compare with the same time without pushes."""
    async with deploy_locally(vendors=()) as deployment:
        pull = deployment.open_pull(1)
        await deployment.deliver()
        await deployment.until_reviewed(pull)
        alone_s = await _cost_s(deployment, pull, pushes=1)
        all_s = await _cost_s(deployment, pull, pushes=pushes)
    each_ms = (all_s - alone_s) / (pushes - 1) * 1_000
    slowness = calibrate_s()
    return Figure(
        name=f"CPU of a superseded push, {pushes} pushes ({ADDITIONS:,} additions take {slowness:.1f} s here)",
        measured=f"{each_ms:.1f} ms, or {each_ms / slowness:.1f} ms where they take 1 s",
        target=f"≤ {TARGET_MS} ms where they take 1 s",
        reached=each_ms / slowness <= TARGET_MS,
    )


async def _cost_s(deployment: LocalDeployment, pull: Pull, *, pushes: int) -> float:
    """CPU seconds from the first push until the last is reviewed."""
    deployment.github.hook.queue.clear()
    for number in range(pushes):
        pull.push({"shop/notes.py": f"NUMBER = {pushes}_{number}\n"})
    waiting = [each for each in deployment.github.hook.queue if each.event == "pull_request"]
    deployment.github.hook.queue.clear()
    before_s = cpu_s(deployment.process.pid)
    answers = await send_all(f"{deployment.app_url}/webhooks/github", waiting, rate=RATE)
    assert {status for status, _ in answers} == {202}, answers
    await _until_reviewed(pull)
    return cpu_s(deployment.process.pid) - before_s


async def _until_reviewed(pull: Pull) -> None:
    async with asyncio.timeout(LONGEST_S):
        while not _is_reviewed(pull):  # noqa: ASYNC110 - the stand-in has no event for it
            await asyncio.sleep(POLL_S)


def _is_reviewed(pull: Pull) -> bool:
    runs = [run for run in pull.repository.check_runs.values() if run.head_sha == pull.head_sha]
    return len(runs) == STAGES and all(run.conclusion for run in runs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pushes", type=int, default=500)
    print_figures([asyncio.run(measure(pushes=parser.parse_args().pushes))])
