"""How many GitHub calls the first review of a small pull request makes: three files, configuration, guidelines, a finding.

python -m benchmarks.github_calls
"""

import asyncio
from collections import Counter

from benchmarks.figures import Figure, print_figures
from benchmarks.local_deployment import OWNERS, LocalDeployment, deploy_locally
from github_sandbox import RequestRecord

MAX_CALLS, MAX_FETCHES, MAX_POINTS = 14, 2, 5
OWN_LOG = "/app/hook"  # read every few minutes, independent of reviews


async def measure() -> list[Figure]:
    """Count every request of a repository's first review, including its token; git requests are counted separately."""
    async with deploy_locally() as deployment:
        await _review(deployment, 1)  # from now on its owner's default configuration is cached
        deployment.github.requests.clear()
        deployment.vendors.forget()
        await _review(deployment, 1 + OWNERS)
        requests = [each for each in deployment.github.requests if not each.path.startswith(OWN_LOG)]
        models = len(deployment.vendors.requests)
    fetches = [each for each in requests if ".git/" in each.path]
    calls = [each for each in requests if each not in fetches]
    for name, times in Counter(map(_name, calls)).items():
        print(f"     {times} × {name}")
    return [
        Figure(
            name="GitHub calls of a small pull request's first review",
            measured=f"{len(calls)}",
            target=f"≤ {MAX_CALLS} (peer: 40)",
            reached=len(calls) <= MAX_CALLS,
        ),
        Figure(
            name="GraphQL points of it, by GitHub's published rule",
            measured=f"{sum(each.points for each in calls)}",
            target=f"≤ {MAX_POINTS}",
            reached=sum(each.points for each in calls) <= MAX_POINTS,
        ),
        Figure(
            name="git requests of it, and model calls",
            measured=f"{len(fetches)} git, {models} models",
            target=f"≤ {MAX_FETCHES} git fetches of up to 3 requests",
            reached=len(fetches) <= MAX_FETCHES * 3,
        ),
    ]


async def _review(deployment: LocalDeployment, number: int) -> None:
    pull = deployment.open_pull(number)
    await deployment.deliver()
    await deployment.until_reviewed(pull)


def _name(request: RequestRecord) -> str:
    path = "/".join("N" if part.isdigit() else part for part in request.path.split("/"))
    return f"{request.method} {request.operation or path} {request.status}"


if __name__ == "__main__":
    print_figures(asyncio.run(measure()))
