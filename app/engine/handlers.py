"""The objects that the engine calls: a handler for each type of job, acknowledgers, and the closer of failed jobs."""

from collections.abc import Collection
from typing import Never, Protocol, TypeVar, cast

from app.domain.job import Job
from app.domain.step import Step

J = TypeVar("J", bound=Job)
J_contra = TypeVar("J_contra", contravariant=True)


class Handler(Protocol[J_contra]):
    """Handles jobs of one type.

    After a crash, the engine calls it again for the same job, so everything with side effects runs as a step.
    """

    async def handle(self, job: J_contra, step: Step) -> None:
        """Do the job."""
        ...


class Acknowledger(Protocol[J_contra]):
    """Tells the author of a job that it was accepted, before the job runs. Best effort."""

    async def acknowledge(self, job: J_contra) -> None:
        """Show a reaction, for example."""
        ...


class FailedJobCloser(Protocol):
    """Closes what a failed job left open on GitHub, before the job is recorded as failed."""

    async def close_failed(self, job: Job, *, guid: str, reason: str) -> str:
        """Close what is open; `guid` is the delivery's, and `reason` is a sentence for people.

        Returns a sentence about what could not be closed, for the delivery's record; empty if everything was.

        Raises:
            any of `TRANSIENT`: the engine calls again later.
        """
        ...


class HeadChecker(Protocol):
    """Checks whether a review still covers the newest head, although a later webhook named another head."""

    async def is_newest_head(self, guid: str) -> bool:
        """Whether GitHub still names the head that the delivery's review read."""
        ...


class JobHandlers:
    """The handler of each type of job, and the objects that serve jobs of every type."""

    def __init__(self, *, failed_jobs: FailedJobCloser, heads: HeadChecker) -> None:
        self.failed_jobs = failed_jobs
        self.heads = heads
        self._handlers: dict[type[Job], Handler[Never]] = {}
        self._acknowledgers: dict[type[Job], Acknowledger[Never]] = {}

    def register(
        self, job_type: type[J], handler: Handler[J], *, acknowledger: Acknowledger[J] | None = None
    ) -> None:
        """Let `handler` handle the jobs of this type."""
        self._handlers[job_type] = handler
        if acknowledger:
            self._acknowledgers[job_type] = acknowledger

    @property
    def acknowledged(self) -> Collection[type[Job]]:
        """The types of jobs that are acknowledged before they run."""
        return self._acknowledgers.keys()

    def handler_of(self, job: J) -> Handler[J]:
        """Return the handler that was registered for this type of job."""
        return cast("Handler[J]", self._handlers[type(job)])  # `register` checks the pair

    def acknowledger_of(self, job: J) -> Acknowledger[J]:
        """Return the acknowledger that was registered for this type of job."""
        return cast("Acknowledger[J]", self._acknowledgers[type(job)])
