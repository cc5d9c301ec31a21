"""Completes the check runs that a job started, including those of runs that a crash interrupted, or creates them.

A check run that is never completed stays in progress on the pull request forever. The ledger records which ones were started;
if it has no ID for one, it is looked up on GitHub.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from app.domain.finding import Stage
from app.domain.pull_request import PullRequestRef
from app.errors import TRANSIENT, QuorumError
from app.jobs.access import JobEnvironment, PullRequestAccess
from app.publish.check_runs import complete_checks, find_check, start_checks
from app.publish.checks import CheckUpdate
from app.store.database import Database
from app.store.ledger import Begun, load_begun, load_ledgers, move_writes
from app.store.reviews import load_review_ids

logger = logging.getLogger(__name__)

MAX_REVIEWS = 100  # the newest of the pull request
OpenRuns = dict[Stage, Begun]


def ledger_name(review_id: str, head_sha: str) -> str:
    """Return the name of the ledger for a review's writes about one head."""
    return f"{review_id}@{head_sha}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRuns:
    """The check runs of one job, in the ledgers whose names start with `ledger` and end with `@` and the head."""

    ledger: str
    ref: PullRequestRef
    installation_id: int
    environment: JobEnvironment

    async def load_open(self, *, except_head: str | None = None) -> dict[str, OpenRuns]:
        """Return the check runs of each head that were started and not completed, except those of one head."""
        begun = await asyncio.to_thread(load_begun, self.environment.database, self.ledger)
        found = {ledger.rpartition("@")[2]: _open_of(writes) for ledger, writes in begun.items()}
        return {head_sha: runs for head_sha, runs in found.items() if runs and head_sha != except_head}

    async def end(
        self, update: Callable[[Stage], CheckUpdate], *, except_head: str | None = None
    ) -> list[QuorumError]:
        """Complete the open check runs; returns GitHub's refusals.

        Does not raise them, because the reason why the job ended matters more.

        Raises:
            any of `TRANSIENT`: call this again later.
        """
        refusals: list[QuorumError] = []
        for head_sha, runs in (await self.load_open(except_head=except_head)).items():
            try:
                await self._end(head_sha, runs, update)
            except TRANSIENT:
                raise
            except QuorumError as error:
                logger.warning("the check runs on %s could not be completed: %s", head_sha, error)
                refusals.append(error)
        return refusals

    async def create(self, updates: Sequence[CheckUpdate], *, head_sha: str) -> list[QuorumError]:
        """Create completed check runs on a head, except those that the job has started; returns GitHub's refusals.

        Raises:
            any of `TRANSIENT`: call this again later.
        """
        access = self._open(head_sha)
        stages = [update.stage for update in updates]
        try:
            ids = await start_checks(
                stages, ref=self.ref, head_sha=head_sha, writer=access.writer, ledger=access.ledger
            )
            await complete_checks(updates, check_run_ids=ids, writer=access.writer, ledger=access.ledger)
        except TRANSIENT:
            raise
        except QuorumError as error:
            logger.warning("no check runs could be created on %s: %s", head_sha, error)
            return [error]
        return []

    async def _end(self, head_sha: str, runs: OpenRuns, update: Callable[[Stage], CheckUpdate]) -> None:
        access = self._open(head_sha)
        ids: dict[Stage, int] = {}
        for stage, begun in runs.items():
            found = begun.github_id or await find_check(
                stage, ref=self.ref, head_sha=head_sha, writer=access.writer
            )
            if found is not None:
                ids[stage] = found
        await complete_checks(
            [update(stage) for stage in ids], check_run_ids=ids, writer=access.writer, ledger=access.ledger
        )

    def _open(self, head_sha: str) -> PullRequestAccess:
        ledger = ledger_name(self.ledger.rpartition("@")[0], head_sha)
        return self.environment.open(self.ref, installation_id=self.installation_id, ledger=ledger)


async def adopt_open(
    database: Database, ref: PullRequestRef, stages: Collection[Stage], *, review_id: str, head_sha: str
) -> None:
    """Take over the stages' open check runs that another review of this pull request started on this head.

    The other review waits for a retry and will find the head reviewed.
    """
    ids = await asyncio.to_thread(load_review_ids, database, ref, limit=MAX_REVIEWS)
    names = [ledger_name(each, head_sha) for each in ids if each != review_id]
    for name, writes in (await asyncio.to_thread(load_ledgers, database, names)).items():
        adopted = [stage for stage in _open_of(writes) if stage in stages]
        keys = [f"{kind}:{stage}" for stage in adopted for kind in ("start", "check")]
        into = ledger_name(review_id, head_sha)
        await asyncio.to_thread(move_writes, database, keys, of=name, into=into)


def _open_of(writes: Mapping[str, Begun]) -> OpenRuns:
    runs: OpenRuns = {}
    for stage in Stage:
        start, end = writes.get(f"start:{stage}"), writes.get(f"check:{stage}")
        if start is not None and (end is None or end.github_id is None):
            runs[stage] = start
    return runs
