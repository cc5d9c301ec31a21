"""Five hundred pushes within a minute: GitHub never rejects a request, and every final head is reviewed."""

import asyncio
import hashlib
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from app.main import Network, build_program
from app.serving.app import build_served
from app.settings import Settings
from app.store.database import Database
from app.store.deliveries import load_queue_depth
from app.store.processes import renew_lease
from github_sandbox import Delivery, GitHubSandbox, Pull, RateLimits
from github_sandbox.registration import sign
from github_sandbox.sandbox import serve
from tests.scenarios.world import FILES, ShortClock, app_settings

PUSHES = 500
INSTALLATIONS, PULLS = 2, 4  # pull requests per installation
SHARING = 16  # processes: each uses a sixteenth of the limits, so that a few reviews are enough to reach them
AT_ONCE = 25  # deliveries in flight
TICK_S = 0.25  # of GitHub's time; many fit into the margin for a request's travel time
LOOK_S = 0.01
SECOND_S = 1 / 20  # in the queue
NEARLY = 0.8  # of a limit: a storm that does not come near it proves nothing


class GitHubTime(httpx.AsyncBaseTransport):
    """GitHub's clock and the transport to it: time passes in ticks, and only while no request is in flight.

    So the result does not depend on the speed of the machine.
    """

    def __init__(self) -> None:
        self._now = time.time()
        self._under_way = 0
        self.github: httpx.AsyncBaseTransport

    def __call__(self) -> float:
        return self._now

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._under_way += 1
        try:
            return await self.github.handle_async_request(request)
        finally:
            self._under_way -= 1

    async def sleep(self, seconds: float) -> None:
        until = self._now + seconds
        while self._now < until:  # noqa: ASYNC110 - `go_on` lets it pass
            await asyncio.sleep(LOOK_S)

    async def go_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if not self._under_way:
                self._now += TICK_S


def let_others_live(database: Database) -> None:
    """Idle processes that hold their share of GitHub's limits."""
    for number in range(1, SHARING):
        now = datetime.now(UTC)
        renew_lease(database, f"elsewhere-{number}", role="worker", now=now, ttl=timedelta(hours=1))


@pytest.mark.slow
async def test_a_storm_of_pushes_stays_within_githubs_limits_and_every_final_head_is_reviewed(
    tmp_path: Path,
) -> None:
    clock = GitHubTime()
    limits = RateLimits(
        content_per_minute=80 // SHARING, content_per_hour=500 // SHARING, points_per_minute=900 // SHARING
    )
    github = GitHubSandbox(tmp_path / "github", clock=clock, rate_limits=limits)
    pulls = [pull for number in range(INSTALLATIONS) for pull in open_pulls(github, f"storm-{number}/shop")]
    for pull in pulls:
        pull.push({"last.py": "value = 1\n"})
    storm = storm_of(github)

    async with serve(github):  # for git
        clock.github = github.transport()
        network = Network(
            github=clock,
            clock=ShortClock(),
            github_clock=clock,
            sleep_github=clock.sleep,
            second_s=SECOND_S,
        )
        settings = Settings.model_validate(
            app_settings(github, tmp_path / "data", ()) | {"quorum_debounce_s": 5.0}
        )
        served = build_served(build_program(settings, network=network), network=network)
        database = served.program.database
        let_others_live(database)
        async with (
            served.http.router.lifespan_context(served.http),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=served.http), base_url="http://quorum.test"
            ) as client,
        ):
            going_on = asyncio.create_task(clock.go_on())
            for first in range(0, len(storm), AT_ONCE):
                await asyncio.gather(*(send(client, *each) for each in storm[first : first + AT_ONCE]))
            while any((await asyncio.to_thread(load_queue_depth, database)).values()):  # noqa: ASYNC110 - another process works
                await asyncio.sleep(0.05)
            going_on.cancel()

    assert github.throttle.refused == 0
    assert github.throttle.fullest >= NEARLY
    assert [request.status for request in github.requests if request.status in (403, 429)] == []
    assert [pull.reviews[-1].commit_id for pull in pulls] == [pull.head_sha for pull in pulls]


async def send(client: httpx.AsyncClient, headers: dict[str, str], body: bytes) -> None:
    answer = await client.post("/webhooks/github", headers=headers, content=body)
    assert answer.status_code in (200, 202)


def storm_of(github: GitHubSandbox) -> list[tuple[dict[str, str], bytes]]:
    """The deliveries, in turns: before each final push, the pushes that came before it."""
    waiting, github.hook.queue[:] = list(github.hook.queue), []
    last = [each for each in waiting if each.action == "synchronize"]
    storm = [(dict(each.headers), each.body) for each in waiting if each not in last]
    heads = [json.loads(each.body)["before"] for each in last]
    for number in range(PUSHES - len(last)):
        place = number % len(last)
        before, heads[place] = heads[place], hashlib.sha1(b"%d" % number, usedforsecurity=False).hexdigest()
        storm.append(push(github, last[place], before=before, after=heads[place]))
    ends = [json.loads(each.body)["after"] for each in last]
    storm += [
        push(github, each, before=before, after=after)
        for each, before, after in zip(last, heads, ends, strict=True)
    ]
    return storm


def push(github: GitHubSandbox, like: Delivery, *, before: str, after: str) -> tuple[dict[str, str], bytes]:
    """Copy a push for other heads: git itself would take longer than everything else."""
    payload = json.loads(like.body)
    payload |= {"before": before, "after": after}
    payload["pull_request"]["head"]["sha"] = after
    body = json.dumps(payload).encode()
    own = {
        "x-github-delivery": str(uuid4()),
        "x-hub-signature-256": sign(github.app.webhook_secret, body),
    }
    return {**like.headers, **own}, body


def open_pulls(github: GitHubSandbox, name: str) -> list[Pull]:
    repository = github.create_repository(name, FILES)
    return [
        repository.open_pull({f"new_{number}.py": "value = 0\n"}, branch=f"branch-{number}")
        for number in range(PULLS)
    ]
