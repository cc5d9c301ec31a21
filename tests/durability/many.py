"""Many pull requests at the same time, over several installations. Not a test."""

import asyncio
from collections import Counter

from app.domain.finding import Stage
from github_sandbox.sandbox import post_to
from tests.durability.app_process import AppProcess
from tests.durability.executed import ExecutedApp
from tests.durability.stand_ins import FILES, StandIns, faulty_file, pulls_of

POLL_S = 0.05


def open_pulls(around: StandIns, *, count: int, installations: int) -> None:
    """Open each in a branch of its own; the webhooks wait to be sent."""
    repositories = [around.github.create_repository(f"many-{n}/shop", FILES) for n in range(installations)]
    for number in range(count):
        repository = repositories[number % installations]
        repository.open_pull(faulty_file(number + 1), title=f"Mean {number}", branch=f"mean-{number}")


async def send_all(around: StandIns, app: AppProcess | ExecutedApp) -> None:
    """Send all waiting deliveries; each must be accepted or ignored."""
    statuses = await post_all(around, app)
    assert set(statuses.values()) <= {200, 202}, statuses


async def post_all(around: StandIns, app: AppProcess | ExecutedApp) -> dict[int, int]:
    """Id → status of each delivery that waited."""
    sent = await around.github.deliver_all(post_to(around.client, f"{app.url}/webhooks/github"))
    return {each.id: each.status_code for each in sent}


async def all_reviewed(around: StandIns) -> None:
    """Wait until each pull request's head has three completed check runs."""
    waiting = pulls_of(around.github)
    while waiting:
        await asyncio.sleep(POLL_S)
        completed = _completed_runs(around)
        waiting = [pull for pull in waiting if completed[pull.head_sha] < len(Stage)]


def _completed_runs(around: StandIns) -> Counter[str]:
    """Head → number of its check runs; heads with an incomplete check run are left out."""
    runs = [
        run for repository in around.github.repositories.values() for run in repository.check_runs.values()
    ]
    running = {run.head_sha for run in runs if not run.conclusion}
    return Counter(run.head_sha for run in runs if run.head_sha not in running)
