"""Checks that a running review is still wanted: nothing is asked or posted for a pull request that was closed meanwhile.

Deliveries say that something changed, in any order; GitHub says what holds now. So a look at the database comes before
each step and each attempt to ask a model, and GitHub is asked only after such a delivery, and once before posting.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from app.domain.publication import ThreadWriter
from app.domain.pull_request import PullRequest
from app.domain.review import ReviewRequest
from app.domain.step import Checkpoint, Step
from app.errors import Cancelled, GitHubForbidden, GitHubNotFound, QuorumError, Retargeted, Superseded
from app.jobs.access import JobEnvironment
from app.jobs.head import REFRESH, HeadState, find_exclusion
from app.publish.notes import ARCHIVED, CLOSED_MEANWHILE, OUT_OF_REACH
from app.store.deliveries import has_news

if TYPE_CHECKING:
    from types import CoroutineType
    from typing import Any

T = TypeVar("T")


class WantedCheck:
    """The check of one review; once it failed, it keeps failing."""

    def __init__(
        self, request: ReviewRequest, head: HeadState, *, writer: ThreadWriter, environment: JobEnvironment
    ) -> None:
        self._request = request
        self._head = head
        self._writer = writer
        self._environment = environment
        self._looked_at = head.read_at
        self._end: QuorumError | None = None
        self._turn = asyncio.Lock()

    async def check(self) -> None:
        """Ask GitHub if a delivery arrived since the last look.

        Raises:
            Superseded, Cancelled: the review is not wanted any more.
        """
        async with self._turn:
            if self._end is None and await self._has_news():
                await self._look()
            self._raise_end()

    async def confirm(self) -> None:
        """Ask GitHub in any case; raises as `check` does."""
        async with self._turn:
            if self._end is None:
                await self._look()
            self._raise_end()

    async def _has_news(self) -> bool:
        return await asyncio.to_thread(
            has_news,
            self._environment.database,
            self._request.ref,
            installation_id=self._request.installation_id,
            since=self._looked_at,
        )

    async def _look(self) -> None:
        now = self._environment.clock()
        try:
            self._end = self._judge(await self._writer.pull_request())
        except GitHubNotFound:
            self._end = Cancelled(OUT_OF_REACH)
        except GitHubForbidden:
            if not await self._has_news():
                raise
            self._end = Cancelled(OUT_OF_REACH)
        self._looked_at = now

    def _judge(self, now: PullRequest) -> QuorumError | None:
        before = self._head.pull_request
        if now.head_sha != before.head_sha:
            return Superseded("The pull request was pushed to while it was reviewed.")
        if now.base_ref != before.base_ref:
            return Retargeted("The pull request got another base branch while it was reviewed.")
        if before.state == "open" and now.state != "open":
            return Cancelled(CLOSED_MEANWHILE)
        if now.archived:
            return Cancelled(ARCHIVED)
        is_refresh = self._request.trigger.startswith(REFRESH)
        return None if is_refresh else find_exclusion(now, self._head)

    def _raise_end(self) -> None:
        if self._end is not None:
            raise type(self._end)(str(self._end))


def checked(step: Step, check: Callable[[], Awaitable[None]]) -> Step:
    """Return a step that runs `check` before its work."""

    def run(checkpoint: Checkpoint[T], work: Callable[[], Awaitable[T]]) -> "CoroutineType[Any, Any, T]":
        async def checked_work() -> T:
            await check()
            return await work()

        return step(checkpoint, checked_work)

    return run
