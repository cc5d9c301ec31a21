"""The first look at a pull request: its newest head, what its base asks for, and what is remembered of it.

Records which head a review is about; writes nothing on GitHub and asks no model.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from app.domain.configuration import Budget
from app.domain.pull_request import PullRequest, Snapshot, Source
from app.domain.review import ReviewRequest
from app.domain.step import Checkpoint, Step
from app.errors import Superseded
from app.gather import Configuration, read_configuration
from app.gather.configuration import BASE_PATHS
from app.gather.selection import is_dependency_update
from app.jobs.access import OrganisationDefault
from app.llm.client import CallScope
from app.pipeline.inputs import PipelineOptions
from app.publish.check_runs import all_of
from app.store.database import Database
from app.store.pull_requests import PullRequestMemory, load_memory, record_reopened
from app.store.reviews import record_review_head


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is known of a head before it is read."""

    snapshot: Snapshot
    pull_request: PullRequest
    configuration: Configuration
    remembered: PullRequestMemory

    def options(self, request: ReviewRequest) -> PipelineOptions:
        """What of the head is to be reviewed."""
        head_sha = self.pull_request.head_sha
        scope = CallScope(
            installation_id=request.installation_id,
            repository=request.ref.repository,
            pull_request=request.ref.number,
            review_id=request.review_id,
        )
        return PipelineOptions(
            scope=scope,
            stages=request.stages,
            full=request.full,
            seen=self.remembered.reviewed_hunks(head_sha, self.configuration.config.stages),
            earlier=self.remembered.earlier_findings(head_sha),
            dependencies_only=is_dependency_update(self.pull_request) and not request.commanded,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Looks for one review; `operator_budget` limits what the base may ask for."""

    request: ReviewRequest
    source: Source
    database: Database
    organisation_default: OrganisationDefault
    operator_budget: Budget

    async def __call__(self, step: Step, *, at: datetime) -> Start:
        """What there is to go by; the checkpoint keeps the head alone, so that the rest is read anew.

        Raises:
            Superseded: it was pushed to while the review was interrupted, or a later review is on record.
            GitHubError, StoreUnavailable
        """
        head_sha, snapshot = await self._read(step)
        pull_request = _pull_request(snapshot)
        default = await self.organisation_default(self.request.installation_id, pull_request.ref.owner)
        configuration = read_configuration(
            snapshot, organisation=default, operator_budget=self.operator_budget
        )
        await asyncio.to_thread(
            record_review_head,
            self.database,
            self.request.review_id,
            pull_request.head_sha,
            gate=configuration.config.gate,
            read_at=at,
        )
        if pull_request.head_sha != head_sha:
            raise Superseded("The pull request was pushed to while its review was interrupted.")
        return Start(
            snapshot=snapshot,
            pull_request=pull_request,
            configuration=configuration,
            remembered=await self._remember(pull_request),
        )

    async def _read(self, step: Step) -> tuple[str, Snapshot]:
        """The head that the first life of this review saw, and what is there now."""
        held: list[Snapshot] = []

        async def read_snapshot() -> None:
            held.append(await self.source.snapshot(BASE_PATHS))

        async def read_default() -> None:  # beside the snapshot; whoever asks next finds it
            await self.organisation_default(self.request.installation_id, self.request.ref.owner)

        async def read() -> str:
            await all_of((read_snapshot(), read_default()))
            return _pull_request(held[-1]).head_sha

        head_sha = await step(Checkpoint("snapshot", str), read)
        return head_sha, held[-1] if held else await self.source.snapshot(BASE_PATHS)

    async def _remember(self, pull_request: PullRequest) -> PullRequestMemory:
        remembered = await asyncio.to_thread(load_memory, self.database, self.request.ref)
        if remembered.is_closed and pull_request.state == "open":
            await asyncio.to_thread(record_reopened, self.database, self.request.ref)
        return remembered


def _pull_request(snapshot: Snapshot) -> PullRequest:
    assert snapshot.pull_request, "the App reviews pull requests"
    return snapshot.pull_request
