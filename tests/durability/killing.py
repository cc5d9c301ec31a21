"""Kills `quorum serve` at random moments while people open and push to pull requests, and says what was lost; not a test.

    run = await kill_many(folder, kills=20, seed=1)
    assert not run.faults

Half of the kills come at a random time, half right after a random request to GitHub: what was asked is done, and the
answer is lost. Same seed, same plan; the machine's own pace remains. A life is measured without the time for which others
kept the processes from a core: on a busy machine it would else end before anything began.
"""

import asyncio
import math
import os
import random
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import col, select

from app.domain.publication import MarkerKind, parse_marker
from app.store.database import Database
from app.store.deliveries import UNFINISHED, load_queue_depth
from app.store.job_tables import DeliveryRow
from github_sandbox import GitHubSandbox, Pull
from github_sandbox.sandbox import post_to
from tests.durability.app_process import AppProcess
from tests.durability.stand_ins import FILES, StandIns, faulty_file, pulls_of, stand_ins

INSTALLATIONS = 3
MOST_FILES = 40
REPEATED = 0.1  # share of the deliveries that GitHub sends twice
LONGEST_LIFE_S = 0.8
LONGEST_WAIT_S = 4.0  # for a request that may not come
MOST_REQUESTS = 30  # of one life
DEEDS = 2  # of people, in one life
SETTLE_S = 240.0  # without the end of a single job: an outage is sat out for two minutes, and for longer the second time


@dataclass(frozen=True, slots=True, kw_only=True)
class KillRun:
    """What came of it. `faults` says what is not as it should be, one sentence each."""

    faults: list[str]
    kills: int
    accepted: int
    pulls: int
    heads: int
    took_s: float
    posted: Counter[str] = field(default_factory=Counter[str])


async def kill_many(
    folder: Path,
    *,
    kills: int,
    seed: int,
    database_url: str | None = None,
    processes: int = 1,
    models_s: float = 0.05,
) -> KillRun:
    """One run: all that was accepted must stand on GitHub once, when the last process is left alone.

    `database_url` None: the SQLite file of the one data directory.
    """
    begun_s = time.monotonic()
    async with stand_ins(folder, github_s=0.005, models_s=models_s) as around:
        url = database_url or f"sqlite:///{folder / 'data-0' / 'quorum.db'}"
        apps = [
            AppProcess(folder / f"app-{n}", around.environment(data=f"data-{n}", database_url=url))
            for n in range(processes)
        ]
        run = _Run(around, apps, random.Random(seed))
        try:
            await run.go(kills)
            await run.settle(url)
        finally:
            for app in apps:
                app.kill()
        return KillRun(
            faults=[*run.faults, *faults_of(around.github)],
            kills=kills,
            accepted=len(run.accepted),
            pulls=len(pulls_of(around.github)),
            heads=run.heads,
            took_s=time.monotonic() - begun_s,
            posted=Counter(posted.kind for posted in around.github.unread()),
        )


class _Lived:
    """How long a process and this one, which serves it, have lived by now, less the time that they waited for a core."""

    def __init__(self, pid: int) -> None:
        self._pids = (pid, os.getpid())
        self._begun_s = [time.monotonic() - _starved_s(each) for each in self._pids]

    def seconds(self) -> float:
        """Of the one that has lived less."""
        now_s = time.monotonic()
        return min(
            now_s - _starved_s(pid) - begun_s for pid, begun_s in zip(self._pids, self._begun_s, strict=True)
        )


def _starved_s(pid: int) -> float:
    """How long a process could have run and had no core; its main thread alone. Systems other than Linux do not say.

    https://docs.kernel.org/scheduler/sched-stats.html
    """
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


class _Run:
    """People, GitHub's sender and the killer, side by side."""

    def __init__(self, around: StandIns, apps: list[AppProcess], rng: random.Random) -> None:
        self._around = around
        self._github = around.github
        self._apps = apps
        self._rng = rng
        self._posts = [post_to(around.client, f"{app.url}/webhooks/github") for app in apps]
        self._next_post = 0
        self._deeds = asyncio.Semaphore(0)
        self._repositories = [
            around.github.create_repository(f"org-{n}/shop", FILES) for n in range(INSTALLATIONS)
        ]
        self.accepted: set[str] = set()
        self.faults: list[str] = []
        self.heads = 0

    async def go(self, kills: int) -> None:
        """Kill so often, while people work; all processes live at the end."""
        for app in self._apps:
            app.start()
            await app.until_ready(self._around.client)
        people, sender = asyncio.create_task(self._work()), asyncio.create_task(self._send())
        for _ in range(kills):
            for _ in range(DEEDS):
                self._deeds.release()
            await self._kill_one(self._rng.choice(self._apps))
        while self._github.hook.queue or not self._deeds.locked():  # noqa: ASYNC110 - the sender empties it
            await asyncio.sleep(0.02)
        people.cancel()
        sender.cancel()
        await asyncio.gather(people, sender, return_exceptions=True)

    async def _kill_one(self, app: AppProcess) -> None:
        seen = len(self._github.requests) + self._rng.randint(1, MOST_REQUESTS)
        life_s = self._rng.uniform(0.05, LONGEST_LIFE_S)
        by_request = self._rng.random() < 0.5
        if by_request:
            life_s += LONGEST_WAIT_S
        lived = _Lived(app.pid)
        while lived.seconds() < life_s and not (by_request and len(self._github.requests) >= seen):  # noqa: ASYNC110 - servers answer meanwhile
            await asyncio.sleep(0.001)
        app.kill()
        app.start()
        await app.until_ready(self._around.client)

    async def _work(self) -> None:
        """Open pull requests and push to them, two deeds for each life of a process, some of them in a row."""
        while True:
            await self._deeds.acquire()
            pulls = pulls_of(self._github)
            if len(pulls) < 4 or self._rng.random() < 0.4:
                repository = self._rng.choice(self._repositories)
                repository.open_pull(faulty_file(self._number()), title="Add a mean", branch=f"b{self.heads}")
            else:
                pull = self._rng.choice(pulls)
                if len(pull.commits()) < MOST_FILES:
                    pull.push(faulty_file(self._number()))
            await asyncio.sleep(self._rng.uniform(0.0, LONGEST_LIFE_S / DEEDS))

    def _number(self) -> int:
        self.heads += 1
        return self.heads

    async def _send(self) -> None:
        """As GitHub does, except that what was not taken is sent again until it is."""
        while True:
            if not self._github.hook.queue:
                await asyncio.sleep(0.01)
                continue
            delivery = self._github.hook.queue.pop(0)
            self._next_post += 1
            sent = await self._github.hook.deliver(delivery, self._posts[self._next_post % len(self._posts)])
            if sent.status_code == 202:
                self.accepted.add(sent.guid)
            elif sent.status_code >= 400 and sent.status_code not in (502, 503, 504):
                self.faults.append(f"{sent.event}.{sent.action} was answered {sent.status_code}")
            if sent.status_code >= 400 or self._rng.random() < REPEATED:
                self._github.hook.redeliver(sent.id)
                await asyncio.sleep(0.02)

    async def settle(self, url: str) -> None:
        """Until nothing is queued or running, in whatever process; a fault where nothing ends any more."""
        database = await asyncio.to_thread(Database, url)
        left, last_s = math.inf, time.monotonic()
        while left and time.monotonic() - last_s < SETTLE_S:
            now_left = sum((await asyncio.to_thread(load_queue_depth, database)).values())
            if now_left < left:
                left, last_s = now_left, time.monotonic()
            await asyncio.sleep(0.1)
        self.faults += await asyncio.to_thread(_left_over, database)
        database.close()


def _left_over(database: Database) -> Iterable[str]:
    with database.read() as session:
        rows = session.exec(select(DeliveryRow).where(col(DeliveryRow.state).in_(UNFINISHED))).all()
    return [
        f"{row.repository}#{row.pull_request}: {row.state}, attempt {row.attempts}, life {row.lives}, "
        f"with workflow {row.workflow_id}; nothing ended for {SETTLE_S:.0f} s"
        for row in rows
    ]


def faults_of(github: GitHubSandbox) -> list[str]:
    """What is missing or doubled on GitHub, a sentence each; what must hold of every pull request, once all is done."""
    return [fault for pull in pulls_of(github) for fault in _faults_of(pull)]


def _faults_of(pull: Pull) -> Iterable[str]:
    name = f"{pull.repository.full_name}#{pull.number}"
    reviews = [review for review in pull.reviews if review.user is pull.hub.bot]
    on_head = [review for review in reviews if review.commit_id == pull.head_sha]
    if len(on_head) != 1:
        yield f"{name}: {len(on_head)} reviews on its final head"
    bodies = [review.body for review in reviews]
    bodies += [comment.body for comment in (*pull.issue_comments, *pull.review_comments())]
    marks = Counter(parse_marker(body) for body in bodies)
    yield from (f"{name}: {mark} stands {times} times" for mark, times in marks.items() if mark and times > 1)
    if sum(mark is not None and mark[0] is MarkerKind.SUMMARY for mark in marks) != 1:
        yield f"{name}: not one summary"
    yield from _faults_of_checks(pull, name)


def _faults_of_checks(pull: Pull, name: str) -> Iterable[str]:
    runs = [run for run in pull.repository.check_runs.values() if run.head_sha in pull.commits()]
    for (head, check), times in Counter((run.head_sha, run.name) for run in runs).items():
        if times > 1:
            yield f"{name}: {check} stands {times} times on {head[:7]}"
    for run in runs:
        if run.conclusion is None:
            old = "" if run.head_sha == pull.head_sha else "an old head's "
            yield f"{name}: {old}{run.name} was never completed"
    final = [run.conclusion for run in runs if run.head_sha == pull.head_sha]
    if len(final) != 3 or "cancelled" in final:
        yield f"{name}: the final head's check runs are {final}"
