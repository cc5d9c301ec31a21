"""Completes the check runs that a job started, including those of runs that a crash ended.

A check run that nobody completes stays in progress forever. The ledger knows what was started; if it has no id, GitHub
is asked.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from app.domain.finding import Stage
from app.domain.pull_request import PullRequestRef
from app.errors import TRANSIENT, QuorumError
from app.jobs.access import OpenPullRequest, PullRequestAccess
from app.publish.check_runs import complete_checks, find_check
from app.publish.checks import CheckUpdate
from app.store.database import Database
from app.store.ledger import Begun, load_begun, load_ledgers, move_writes
from app.store.reviews import load_review_ids

logger = logging.getLogger(__name__)

MOST_REVIEWS = 100  # newest reviews of a pull request to search
OpenRuns = dict[Stage, Begun]


def ledger_name(review_id: str, head_sha: str) -> str:
    """The name of the ledger for a review's writes about one head."""
    return f"{review_id}@{head_sha}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRuns:
    """The check runs of one job, in the ledgers named `ledger`…`@`head."""

    ledger: str
    ref: PullRequestRef
    installation_id: int
    database: Database
    open_pull_request: OpenPullRequest

    async def load_open(self, *, but_of: str | None = None) -> dict[str, OpenRuns]:
        """Map head → check runs that were started and not completed, except for the head `but_of`."""
        begun = await asyncio.to_thread(load_begun, self.database, self.ledger)
        found = {ledger.rpartition("@")[2]: _open_of(writes) for ledger, writes in begun.items()}
        return {head_sha: runs for head_sha, runs in found.items() if runs and head_sha != but_of}

    async def end(self, update: Callable[[Stage], CheckUpdate], *, but_of: str | None = None) -> None:
        """Complete the open check runs.

        If GitHub refuses, this is logged and not raised: the error that ended the job matters more.

        Raises:
            errors in `TRANSIENT`: the caller must retry.
        """
        for head_sha, runs in (await self.load_open(but_of=but_of)).items():
            try:
                await self._end(head_sha, runs, update)
            except TRANSIENT:
                raise
            except QuorumError:
                logger.exception("check runs could not be completed")

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
        return self.open_pull_request(self.ref, installation_id=self.installation_id, ledger=ledger)


async def adopt_open(
    database: Database, ref: PullRequestRef, stages: Collection[Stage], *, review_id: str, head_sha: str
) -> None:
    """Take over open check runs that another review of this pull request started on this head.

    The other review is waiting for a retry and will find the head reviewed.
    """
    ids = await asyncio.to_thread(load_review_ids, database, ref, limit=MOST_REVIEWS)
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
