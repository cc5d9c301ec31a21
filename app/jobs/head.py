"""Reads the state of a head before its review, and decides whether the review is still needed."""

import asyncio
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from app.domain.file_rules import ChangeRules
from app.domain.pull_request import PullRequest, PullRequestRef, Snapshot, Source
from app.domain.review import ReviewRequest, SkipReason
from app.domain.step import Checkpoint, Step
from app.errors import Cancelled, Excluded, Superseded, Unrequested
from app.gather import BASE_PATHS, Configuration, change_rules, read_configuration
from app.gather.selection import PUSH, is_dependency_update, skip_reason
from app.jobs.access import JobEnvironment
from app.llm.client import CallScope, Check, always_wanted
from app.pipeline.inputs import PipelineOptions
from app.publish.check_runs import all_of
from app.publish.notes import render_skip_reason
from app.store import reviews
from app.store.database import Database
from app.store.pull_requests import PullRequestMemory, load_memory, record_reopened
from app.store.remembered import load_remembered
from app.store.repository_settings import record_settings
from app.store.review_tables import ReviewRow

OPENED = "opened"  # may arrive after the pushes that followed it
REFRESH = "refresh:"  # prefix of the trigger of a run that only updates summary and check runs
BY_HEAD = "check_suite:"  # prefix of the trigger of "re-run all", which names no pull request
BY_BASE = "base:"  # prefix of the trigger of a review against another base branch


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadState:
    """The state of a head before its review."""

    snapshot: Snapshot
    pull_request: PullRequest
    configuration: Configuration
    memory: PullRequestMemory
    remembered: tuple[str, ...]  # the team's instructions
    acts_for: ReviewRequest  # the request whose rules apply: a push acts for a review that it replaces
    read_at: datetime  # just before GitHub was asked

    @property
    def sha(self) -> str:
        """The head's commit."""
        return self.pull_request.head_sha

    @property
    def rules(self) -> ChangeRules:
        """The settings of each changed file."""
        return change_rules(self.configuration.config, self.snapshot.diff.files)

    def pipeline_options(self, request: ReviewRequest, *, check: Check = always_wanted) -> PipelineOptions:
        """Return the options of the pipeline for this head; `check` runs before each attempt to ask a model."""
        return PipelineOptions(
            scope=scope_of(request, check=check),
            stages=request.stages,
            full=request.full,
            seen=self.memory.reviewed_hunks(self.sha, self.rules.stages),
            earlier=self.memory.earlier_findings(self.sha),
            dependencies_only=is_dependency_update(self.pull_request) and not request.commanded,
            remembered=self.remembered,
        )


def scope_of(request: ReviewRequest, *, check: Check) -> CallScope:
    """Return the scope of a review's calls."""
    return CallScope(
        installation_id=request.installation_id,
        repository=request.ref.repository,
        pull_request=request.ref.number,
        review_id=request.review_id,
        check=check,
    )


class SnapshotReader:
    """Takes the snapshot of a pull request on first use, and keeps it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._snapshot: Snapshot | None = None

    async def read(self) -> Snapshot:
        """Return the snapshot."""
        if self._snapshot is None:
            self._snapshot = await self._source.snapshot(BASE_PATHS)
        return self._snapshot


async def read_head(
    request: ReviewRequest, source: Source, environment: JobEnvironment, step: Step
) -> HeadState:
    """Take the snapshot and record the head that is reviewed.

    The checkpoint only contains the head's commit. A review that is rerun after a crash reads the rest again.

    Raises:
        Superseded: the pull request was pushed to while the review was interrupted, or a later review is recorded.
        GitHubError, StoreUnavailable
    """
    database, defaults, read_at = environment.database, environment.organization_defaults, environment.clock()
    reader, owner = SnapshotReader(source), request.ref.owner

    async def read_sha() -> str:
        await all_of((reader.read(), defaults.load(request.installation_id, owner)))  # both are cached
        return _pull_request(await reader.read()).head_sha

    first_sha = await step(Checkpoint("snapshot", str), read_sha)
    snapshot = await reader.read()
    pull_request = _pull_request(snapshot)
    configuration = read_configuration(
        snapshot,
        organization=await defaults.load(request.installation_id, owner),
        operator_budget=environment.services.budget,
        configured=environment.services.models.providers,
    )
    await asyncio.to_thread(
        reviews.record_review_head,
        database,
        request.review_id,
        pull_request.head_sha,
        gate=change_rules(configuration.config, snapshot.diff.files).gate(),
        read_at=read_at,
        names={
            "title": environment.redact(pull_request.title),
            "author": pull_request.author,
            "branch": pull_request.head_ref,
        },
    )
    await _record_configuration(request, configuration, environment, at=read_at)
    if pull_request.head_sha != first_sha:
        raise Superseded("The pull request was pushed to while its review was interrupted.")
    return HeadState(
        snapshot=snapshot,
        pull_request=pull_request,
        configuration=configuration,
        memory=await _load_memory(database, pull_request),
        remembered=await _load_remembered(database, request),
        acts_for=await _inherit_trigger(request, database),
        read_at=read_at,
    )


async def _record_configuration(
    request: ReviewRequest, configuration: Configuration, environment: JobEnvironment, *, at: datetime
) -> None:
    """Keep the configuration for the dashboard."""
    entries = {
        key: (
            environment.redact(json.dumps(value, ensure_ascii=False, default=str)),
            configuration.origins[key],
        )
        for key, value in asdict(configuration.config).items()
    }
    await asyncio.to_thread(
        record_settings,
        environment.database,
        installation_id=request.installation_id,
        repository=request.ref.repository,
        entries=entries,
        problems=[
            environment.redact(f"{each.path}:{each.line}: {each.message}") for each in configuration.problems
        ],
        at=at,
    )


def _pull_request(snapshot: Snapshot) -> PullRequest:
    assert snapshot.pull_request, "the App reviews pull requests"
    return snapshot.pull_request


async def _load_memory(database: Database, pull_request: PullRequest) -> PullRequestMemory:
    memory = await asyncio.to_thread(load_memory, database, pull_request.ref)
    if memory.is_closed and pull_request.state == "open":
        await asyncio.to_thread(record_reopened, database, pull_request.ref)
    return memory


async def _load_remembered(database: Database, request: ReviewRequest) -> tuple[str, ...]:
    found = await asyncio.to_thread(
        load_remembered, database, request.installation_id, request.ref.repository
    )
    return tuple(each.text for each in found)


async def find_obstacle(request: ReviewRequest, head: HeadState, database: Database) -> Cancelled | None:
    """Return why the head is not reviewed; None if it is reviewed."""
    trigger, commanded = request.trigger, request.commanded
    if trigger.startswith(REFRESH):
        return _find_refresh_obstacle(head)
    if head.pull_request.state != "open" and (not commanded or trigger.startswith(BY_HEAD)):
        return Cancelled(render_skip_reason(SkipReason.CLOSED))
    if trigger in (PUSH, OPENED):
        done = await asyncio.to_thread(reviews.load_review_of_head, database, request.ref, head.sha)
        if done is not None:
            return Cancelled(render_skip_reason(SkipReason.REVIEWED))
    return find_exclusion(head.pull_request, head)


async def _inherit_trigger(request: ReviewRequest, database: Database) -> ReviewRequest:
    """Let a push that replaces another review inherit that review's trigger, because no other job would do its work."""
    if request.trigger != PUSH:
        return request
    replaced = await asyncio.to_thread(
        reviews.load_unreplaced_review, database, request.ref, except_trigger=PUSH
    )
    return replace(request, trigger=replaced.trigger, commanded=replaced.commanded) if replaced else request


def find_exclusion(pull_request: PullRequest, head: HeadState) -> Excluded | None:
    """Return why the configuration excludes the pull request, in the given state, from review."""
    reason = skip_reason(
        pull_request,
        head.configuration.config,
        trigger=head.acts_for.trigger,
        commanded=head.acts_for.commanded,
        paused=head.memory.paused_by is not None,
    )
    if reason is None:
        return None
    exclusion = Unrequested if reason is SkipReason.PUSH else Excluded
    return exclusion(render_skip_reason(reason, paused_by=head.memory.paused_by))


def _find_refresh_obstacle(head: HeadState) -> Cancelled | None:
    """Allow a refresh of any reviewed head, even if only a command requested its review."""
    if not head.configuration.config.enabled:
        return Cancelled(render_skip_reason(SkipReason.DISABLED))
    is_reviewed = head.memory.reviewed_sha == head.sha
    return None if is_reviewed else Cancelled(render_skip_reason(SkipReason.NOT_REVIEWED))


def request_of(row: ReviewRow) -> ReviewRequest:
    """Rebuild a request from its database row."""
    owner, _, repo = row.repository.partition("/")
    return ReviewRequest(
        review_id=row.id,
        ref=PullRequestRef(owner=owner, repo=repo, number=row.pull_request),
        installation_id=row.installation_id,
        trigger=row.trigger,
        head_sha=row.head_sha,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestHeadChecker:
    """Checks the heads of running reviews (`app.engine.handlers.HeadChecker`).

    Webhooks arrive in any order. The review of one push may already have read the newest head, and started check runs
    on it, before the webhooks of earlier pushes arrive. GitHub decides, so that a valid review is not repeated.
    """

    environment: JobEnvironment

    async def is_newest_head(self, guid: str) -> bool:
        """Whether the delivery's review read the newest head; False if it has read none.

        Raises:
            GitHubError, StoreUnavailable
        """
        rows = await asyncio.to_thread(reviews.load_reviews_of_delivery, self.environment.database, guid)
        return bool(rows) and all([await self._is_current(row) for row in rows])

    async def _is_current(self, row: ReviewRow) -> bool:
        if row.head_read_at is None:
            return False
        now = self.environment.clock()
        access = self.environment.open(
            request_of(row).ref, installation_id=row.installation_id, ledger=row.id
        )
        if await access.writer.head_sha() != row.head_sha:
            return False
        await asyncio.to_thread(reviews.record_head_confirmed, self.environment.database, row.id, read_at=now)
        return True
