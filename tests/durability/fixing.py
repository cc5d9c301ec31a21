"""Kills `quorum serve` around the writes of a fix: blob, tree, commit, branch, reply. Not a test.

    run = await kill_around_fixes(folder, kills=50)
    assert not run.faults

Each kill has a finding of its own, for which somebody asks for a fix. The process is killed after GitHub has handled one of
the writes, at once or a few milliseconds later, so that its answer is lost, or the next step has begun.
"""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.domain.model_call import Provider
from app.store.database import Database
from app.store.deliveries import load_queue_depth
from github_sandbox import Pull
from github_sandbox.sandbox import post_to
from github_sandbox.state import ReviewThread
from tests.durability.app_process import AppProcess
from tests.durability.stand_ins import FILES, StandIns, faulty_file, find_every_fault, stand_ins
from tests.fakes.vendor_wire import VendorRequest

WRITES = (
    ("POST", re.compile(r"/git/blobs$")),
    ("POST", re.compile(r"/git/trees$")),
    ("POST", re.compile(r"/git/commits$")),
    ("PATCH", re.compile(r"/git/refs/")),
    ("POST", re.compile(r"/replies$")),
)
FINDINGS = 10  # of one pull request
STEP_S = 0.002  # later is each further kill after the same write
LONGEST_S = 240.0
_CONFIG = {".github/quorum.yml": "fixes: commit\nmax_inline: 20\n"}
_FAULTY = re.compile(r"return sum\(items\) / (\d+) / len\(items\)")
_ASKED = re.compile(r"The mean (\d+) of nothing raises")


@dataclass(frozen=True, slots=True, kw_only=True)
class FixKills:
    """The result; each of the `faults` is a sentence about something that is wrong."""

    faults: Sequence[str]
    kills: int
    commits: int
    replies: int
    questions: int  # to the model that fixes
    took_s: float


async def kill_around_fixes(folder: Path, *, kills: int, first: int = 0) -> FixKills:
    """Kill once for each of `kills` fixes; the first kill is after the write with this number."""
    begun_s = time.monotonic()
    async with stand_ins(folder, github_s=0.002) as around:
        around.vendors.answers = dict.fromkeys(Provider, _fix_every_fault)
        app = AppProcess(folder / "app", around.environment(data="data"))
        run = _Run(around, app, folder / "data" / "quorum.db")
        try:
            pulls = await run.review(kills)
            threads = [(pull, thread) for pull in pulls for thread in pull.threads]
            for number, (pull, thread) in enumerate(threads[:kills], first):
                await run.kill_during_fix(pull, thread, number)
        finally:
            app.kill()
        asked = threads[:kills]
        return FixKills(
            faults=[
                *(fault for pull, thread in asked for fault in _faults_of(pull, thread)),
                *_untrue_lines(app.log),
            ],
            kills=run.kills,
            commits=sum(len(_commits_of(pull)) for pull in pulls),
            replies=sum(len(_replies_of(thread)) for _, thread in asked),
            questions=sum("# Task: fix" in request.text for request in around.vendors.requests),
            took_s=time.monotonic() - begun_s,
        )


class _Run:
    """One process, and what is done to it."""

    def __init__(self, around: StandIns, app: AppProcess, database: Path) -> None:
        self._around = around
        self._github = around.github
        self._app = app
        self._database_url = f"sqlite:///{database}"
        self._post = post_to(around.client, f"{app.url}/webhooks/github")
        self.kills = 0

    async def review(self, findings: int) -> list[Pull]:
        """Start the process, and let it review pull requests with this many findings."""
        repository = self._github.create_repository("org/shop", {**FILES, **_CONFIG})
        repository.set_role("alice", "write")
        for installation in self._github.installations.values():
            self._github.accept_permissions(installation, {"contents": "write"})
        self._app.start()
        await self._app.until_ready(self._around.client)
        self._github.hook.queue.clear()
        pulls: list[Pull] = []
        for start in range(0, findings, FINDINGS):
            numbers = range(start, min(start + FINDINGS, findings))
            files = {path: text for number in numbers for path, text in faulty_file(number + 1).items()}
            pulls.append(repository.open_pull(files, title="Add means", branch=f"b{start}"))
        await self._deliver()
        await self._settle()
        return pulls

    async def kill_during_fix(self, pull: Pull, thread: ReviewThread, number: int) -> None:
        """Ask for a fix, kill the process after a write, start it again, and wait until nothing is left to do."""
        method, path = WRITES[number % len(WRITES)]
        seen = len(self._github.requests)
        self._github.hook.queue.clear()  # Quorum's own pushes: their reviews would not show more
        pull.reply("alice", thread.root, "/fix")
        await self._deliver()
        async with asyncio.timeout(LONGEST_S):
            while not any(  # noqa: ASYNC110 - servers answer meanwhile
                each.method == method and path.search(each.path) for each in self._github.requests[seen:]
            ):
                await asyncio.sleep(0.0005)
        await asyncio.sleep(STEP_S * (number // len(WRITES)))
        self._app.kill()
        self.kills += 1
        self._app.start()
        await self._app.until_ready(self._around.client)
        await self._settle()

    async def _deliver(self) -> None:
        for delivery in list(self._github.hook.queue):
            await self._github.hook.deliver(delivery, self._post)

    async def _settle(self) -> None:
        database = await asyncio.to_thread(Database, self._database_url)
        try:
            async with asyncio.timeout(LONGEST_S):
                while sum((await asyncio.to_thread(load_queue_depth, database)).values()):  # noqa: ASYNC110 - of another process
                    await asyncio.sleep(0.02)
        finally:
            database.close()


def _fix_every_fault(sent: VendorRequest) -> dict[str, Any]:
    if "# Task: judge a fix" in sent.text:
        yes = dict.fromkeys(("removes_defect", "changes_nothing_else", "breaks_nothing"), True)
        return {"evidence": "The divisor is never zero now.", **yes}
    if "# Task: fix" in sent.text:
        found = _ASKED.search(sent.text)
        assert found, sent.text
        old = f"return sum(items) / {found[1]} / len(items)"
        edit = {
            "path": f"shop/mean_{found[1]}.py",
            "old": old,
            "new": old.replace("len(items)", "max(len(items), 1)"),
        }
        return {"edits": [edit], "sentence": f"Return zero for the mean {found[1]} of nothing"}
    return find_every_fault(sent)


def _faults_of(pull: Pull, thread: ReviewThread) -> Iterator[str]:
    """One sentence for each thing that is missing or there twice after a fix of this thread's finding."""
    found = _ASKED.search(thread.root.body)
    assert found, thread.root.body
    number = found[1]
    name = f"{pull.repository.full_name}#{pull.number}, mean {number}"
    commits = [message for message in _commits_of(pull) if f"the mean {number} of" in message]
    if len(commits) != 1:
        yield f"{name}: {len(commits)} commits"
    replies = _replies_of(thread)
    if len(replies) != 1 or "Committed" not in replies[0]:
        yield f"{name}: the replies {replies}"
    text = pull.repository.git.file(pull.head_sha, f"shop/mean_{number}.py") or b""
    if b"max(len(items), 1)" not in text:
        yield f"{name}: the head has no fix"


def _untrue_lines(log: Path) -> Iterator[str]:
    """Log lines about an upgrade, which never happens here."""
    yield from (line for line in log.read_text().splitlines() if "was upgraded" in line)


def _commits_of(pull: Pull) -> list[str]:
    git = pull.repository.git
    commits = [git.commit_of(sha) for sha in pull.commits()]
    return [each.message for each in commits if each.author == pull.hub.bot.login]


def _replies_of(thread: ReviewThread) -> list[str]:
    return [each.body for each in thread.comments[1:] if each.user.login != "alice"]
