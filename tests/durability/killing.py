"""Kills `quorum serve` at random moments while people open and push to pull requests, and reports losses. Not a test.

    run = await kill_many(folder, kills=20, seed=1)
    assert not run.faults

Half of the kills happen at a random time, half right after a random request to GitHub: GitHub processed the request, and
the answer is lost. The seed determines the plan, whatever the machine's speed. The time of a run excludes the time in
which the processes waited for a core; on a busy machine, it would otherwise end before anything started.
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
from github_sandbox.state import CheckRun, Review
from tests.durability.app_process import AppProcess
from tests.durability.stand_ins import FILES, StandIns, faulty_file, pulls_of, stand_ins

INSTALLATIONS = 3
MAX_FILES = 40
REPEATED = 0.1  # share of the deliveries that GitHub sends twice
MAX_RUN_S = 0.8
MAX_WAIT_S = 4.0  # for a request that may never happen
MAX_REQUESTS = 30  # of one run
CHANGES = 2  # by people, in one run
# Without the end of any job, which only bounds a hang: a job waits two minutes after an outage, and longer the second time.
SETTLE_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KillRun:
    """The result. Each of the `faults` is a sentence about something that is wrong."""

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
    """Run once: in the end, everything that was accepted must be on GitHub exactly once.

    If `database_url` is None, it is the SQLite file of the only data directory.
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


class _RunTime:
    """The time that a process and this one, which serves it, have run, excluding waits for a core."""

    def __init__(self, pid: int) -> None:
        self._pids = (pid, os.getpid())
        self._begun_s = [time.monotonic() - _waited_for_core_s(each) for each in self._pids]

    def seconds(self) -> float:
        """Return the shorter time of the two."""
        now_s = time.monotonic()
        return min(
            now_s - _waited_for_core_s(pid) - begun_s
            for pid, begun_s in zip(self._pids, self._begun_s, strict=True)
        )


def _waited_for_core_s(pid: int) -> float:
    """Return how long the main thread of a process waited for a core; 0 on systems other than Linux.

    https://docs.kernel.org/scheduler/sched-stats.html
    """
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


class _Run:
    """People, GitHub's sender, and the killer, concurrently."""

    def __init__(self, around: StandIns, apps: list[AppProcess], rng: random.Random) -> None:
        self._around = around
        self._github = around.github
        self._apps = apps
        self._rng = rng
        self._posts = [post_to(around.client, f"{app.url}/webhooks/github") for app in apps]
        self._next_post = 0
        self._changes = asyncio.Semaphore(0)
        self._repositories = [
            around.github.create_repository(f"org-{n}/shop", FILES) for n in range(INSTALLATIONS)
        ]
        self.accepted: set[str] = set()
        self.faults: list[str] = []
        self.heads = 0

    async def go(self, kills: int) -> None:
        """Kill `kills` times while people work; at the end, all processes run."""
        for app in self._apps:
            app.start()
            await app.until_ready(self._around.client)
        people, sender = asyncio.create_task(self._work()), asyncio.create_task(self._send())
        for _ in range(kills):
            for _ in range(CHANGES):
                self._changes.release()
            await self._kill_one(self._rng.choice(self._apps))
        while self._github.hook.queue or not self._changes.locked():  # noqa: ASYNC110 - the sender empties it
            await asyncio.sleep(0.02)
        people.cancel()
        sender.cancel()
        await asyncio.gather(people, sender, return_exceptions=True)

    async def _kill_one(self, app: AppProcess) -> None:
        seen = len(self._github.requests) + self._rng.randint(1, MAX_REQUESTS)
        run_s = self._rng.uniform(0.05, MAX_RUN_S)
        by_request = self._rng.random() < 0.5
        if by_request:
            run_s += MAX_WAIT_S
        run_time = _RunTime(app.pid)
        while run_time.seconds() < run_s and not (by_request and len(self._github.requests) >= seen):  # noqa: ASYNC110 - servers answer meanwhile
            await asyncio.sleep(0.001)
        app.kill()
        app.start()
        await app.until_ready(self._around.client)

    async def _work(self) -> None:
        """Open pull requests and push to them, twice for each kill, sometimes in quick succession."""
        while True:
            await self._changes.acquire()
            pulls = pulls_of(self._github)
            if len(pulls) < 4 or self._rng.random() < 0.4:
                repository = self._rng.choice(self._repositories)
                repository.open_pull(faulty_file(self._number()), title="Add a mean", branch=f"b{self.heads}")
            else:
                pull = self._rng.choice(pulls)
                if len(pull.commits()) < MAX_FILES:
                    pull.push(faulty_file(self._number()))
            await asyncio.sleep(self._rng.uniform(0.0, MAX_RUN_S / CHANGES))

    def _number(self) -> int:
        self.heads += 1
        return self.heads

    async def _send(self) -> None:
        """Send deliveries as GitHub does, but resend each until it is accepted."""
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
        """Wait until nothing is queued or running; it is a fault if jobs stop ending."""
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
    """Return one sentence for each thing that is missing or duplicated on GitHub."""
    return [fault for pull in pulls_of(github) for fault in _faults_of(pull)]


def _faults_of(pull: Pull) -> Iterable[str]:
    name = f"{pull.repository.full_name}#{pull.number}"
    on_head = [review for review in _reviews_of(pull) if review.commit_id == pull.head_sha]
    if len(on_head) != 1:
        yield f"{name}: {len(on_head)} reviews on its final head"
    yield from doubles_of(pull)
    if sum(kind is MarkerKind.SUMMARY for kind, _ in _marks_of(pull)) != 1:
        yield f"{name}: not one summary"
    for (head, check), times in Counter((run.head_sha, run.name) for run in _runs_of(pull)).items():
        if times > 1:
            yield f"{name}: {check} appears {times} times on {head[:7]}"
    for run in _runs_of(pull):
        if run.conclusion is None:
            old = "" if run.head_sha == pull.head_sha else "an old head's "
            yield f"{name}: {old}{run.name} was never completed"
    final = [run.conclusion for run in _runs_of(pull) if run.head_sha == pull.head_sha]
    if len(final) != 3 or "cancelled" in final:
        yield f"{name}: the final head's check runs are {final}"


def doubles_of(pull: Pull) -> Iterable[str]:
    """One sentence for each review and comment of a pull request that is there twice."""
    name = f"{pull.repository.full_name}#{pull.number}"
    marks = Counter(_marks_of(pull))
    yield from (f"{name}: {mark} appears {times} times" for mark, times in marks.items() if times > 1)
    if sum(kind is MarkerKind.SUMMARY for kind, _ in marks) > 1:
        yield f"{name}: more than one summary"


def _reviews_of(pull: Pull) -> list[Review]:
    return [review for review in pull.reviews if review.user is pull.hub.bot]


def _marks_of(pull: Pull) -> list[tuple[MarkerKind, str]]:
    bodies = [review.body for review in _reviews_of(pull)]
    bodies += [comment.body for comment in (*pull.issue_comments, *pull.review_comments())]
    return [mark for mark in map(parse_marker, bodies) if mark]


def _runs_of(pull: Pull) -> list[CheckRun]:
    commits = pull.commits()
    return [run for run in pull.repository.check_runs.values() if run.head_sha in commits]
