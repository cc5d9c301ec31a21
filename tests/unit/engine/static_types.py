# pyright: reportUnnecessaryTypeIgnoreComment=true
"""Code about steps and handlers that pyright must accept or reject. `make check` tests it; nothing here runs.

Each `pyright: ignore` marks a mistake. If pyright ever accepts the mistake, it reports the comment as unnecessary.
"""

from typing import assert_type

from app.domain.job import ClosedJob, CommentJob, ReviewJob
from app.domain.step import Checkpoint, Step, run_directly
from app.engine.handlers import Handler, JobHandlers


async def read_head() -> str:
    raise NotImplementedError


async def find_head() -> str | None:
    raise NotImplementedError


async def a_step_returns_the_type_of_its_checkpoint(step: Step) -> None:
    assert_type(await step(Checkpoint("look", str), read_head), str)
    assert_type(await step(Checkpoint("look", str), lambda: read_head()), str)


async def a_checkpoint_of_another_type_is_rejected(step: Step) -> None:
    await step(Checkpoint("look", int), read_head)  # pyright: ignore[reportArgumentType]
    await step(Checkpoint("look", tuple[str, ...]), read_head)  # pyright: ignore[reportArgumentType]
    await step(Checkpoint("look", str), find_head)  # pyright: ignore[reportArgumentType]
    await step(Checkpoint("look", int), lambda: read_head())  # pyright: ignore[reportArgumentType]
    await run_directly(Checkpoint("look", int), read_head)  # pyright: ignore[reportArgumentType]


def a_function_without_checkpoints_is_a_step() -> Step:
    return run_directly


class ReviewsOnly:
    async def handle(self, job: ReviewJob, step: Step) -> None:
        raise NotImplementedError

    async def acknowledge(self, job: ReviewJob) -> None:
        raise NotImplementedError


class Everything:
    async def handle(self, job: object, step: Step) -> None:
        raise NotImplementedError


def a_handler_of_another_type_is_rejected(handlers: JobHandlers, reviews: ReviewsOnly) -> None:
    handlers.register(ReviewJob, reviews, acknowledger=reviews)
    handlers.register(CommentJob, Everything())
    handlers.register(CommentJob, reviews)  # pyright: ignore[reportArgumentType]
    handlers.register(ClosedJob, Everything(), acknowledger=reviews)  # pyright: ignore[reportArgumentType]
    handlers.register(str, Everything())  # pyright: ignore[reportArgumentType]


def the_handler_of_a_job_takes_that_job(handlers: JobHandlers, job: ReviewJob) -> None:
    assert_type(handlers.handler_of(job), Handler[ReviewJob])
