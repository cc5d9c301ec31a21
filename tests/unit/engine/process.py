"""The worker process that tests kill or stop.

It kills itself when it starts the review of pull request `DEADLY`. Its GitHub is a file with one line per post; its
journal is a file with one line per step that ran.
"""

import asyncio
import os
import signal
from pathlib import Path

from app.domain.job import ReviewJob
from app.domain.step import Checkpoint, Step
from app.engine.engine import Engine, EngineSettings
from app.store.database import Database
from app.store.ledger import Ledger
from tests.unit.engine.world import Functions

DEADLY = 99  # a number that no other test uses


class GitHub:
    """A file whose line numbers are ids. Each line is written in one call, as GitHub handles one request."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def find(self, text: str) -> int | None:
        lines = self._path.read_text().splitlines()
        return lines.index(text) + 1 if text in lines else None

    async def post(self, text: str) -> int:
        with self._path.open("a") as file:
            file.write(text + "\n")
        await asyncio.sleep(
            0.02
        )  # a good moment to be killed: GitHub has the request, and the answer is on its way
        return len(self._path.read_text().splitlines())


def work_until_killed(url: str, executor_id: str, github_path: Path, settings: EngineSettings) -> None:
    """Run the worker; the target of a process."""
    asyncio.run(_serve(url, executor_id, github_path, settings))


async def _serve(url: str, executor_id: str, github_path: Path, settings: EngineSettings) -> None:
    database = Database(url)
    github, journal = GitHub(github_path), GitHub(github_path.with_suffix(".journal"))

    async def review(job: ReviewJob, step: Step) -> None:
        ledger = Ledger(database, job.request.review_id, executor_id=executor_id)
        name = f"{job.request.ref}"
        if job.request.ref.number == DEADLY:
            await journal.post(f"{name} kills")
            os.kill(os.getpid(), signal.SIGKILL)

        def run(stage: str, delay_s: float):  # noqa: ANN202 - the work of a step
            async def work() -> str:
                await journal.post(f"{name} {stage} begins")
                await asyncio.sleep(delay_s)
                await journal.post(f"{name} {stage}")
                return stage

            return work

        async def publish() -> int:
            return await ledger.write_once(
                "review", find=lambda: github.find(name), write=lambda: github.post(name)
            )

        await step(Checkpoint("start", str), run("start", 0))
        stages = {"review": 0.03, "security": 0.01, "docs": 0.02}
        results = await asyncio.gather(
            *(step(Checkpoint(stage, str), run(stage, s)) for stage, s in stages.items())
        )
        assert results == list(stages)
        await step(Checkpoint("publish", int), publish)

    async def close(guid: str, reason: str) -> None:
        await journal.post(f"{guid} failed: {reason}")

    functions = Functions(review=review, close=close)
    engine = Engine(database, functions.handlers(), executor_id=executor_id, settings=settings)
    await engine.start()
    await asyncio.Event().wait()
