"""Completes the check runs on a merge queue's commit with the results of the pull requests in the group.

A new review would delay the whole queue, so the result is never better than the reviews that exist.
https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/managing-a-merge-queue
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.domain.configuration import RepositoryConfig
from app.domain.file_rules import ChangeRules, FileRules, all_stages, strictest_gate
from app.domain.finding import Stage
from app.domain.job import MergeGroupJob
from app.domain.model_call import Provider
from app.domain.pull_request import PullRequestRef, Snapshot
from app.domain.review import Coverage, ReviewReport, StageResult, StageStatus, UsageTotal
from app.domain.step import Checkpoint, Step
from app.errors import GitHubForbidden, GitHubNotFound, GitHubRejected
from app.gather import BASE_PATHS, change_rules, explain_path, read_configuration
from app.jobs.access import JobEnvironment, PullRequestAccess
from app.publish.check_runs import complete_checks, start_checks
from app.publish.checks import CheckUpdate, failed_check, plan_check
from app.publish.notes import UNKNOWN_MERGE_GROUP, render_unreviewed
from app.store.deliveries import load_merge_groups
from app.store.pull_requests import PullRequestMemory, load_memory
from app.store.reviews import load_pull_requests_of_heads

logger = logging.getLogger(__name__)

_QUEUE_REF = re.compile(r"(?:refs/heads/)?gh-readonly-queue/.+/pr-([1-9][0-9]{0,8})-[0-9a-f]{40,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A pull request of the group; `head_sha` is its newest commit."""

    ref: PullRequestRef
    head_sha: str
    memory: PullRequestMemory

    @property
    def stages(self) -> dict[Stage, StageResult]:
        """The results of the stages on that commit."""
        if self.memory.reviewed_sha != self.head_sha:
            return {}
        return {result.stage: result for result in self.memory.stages_at(self.head_sha)}


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeGroupHandler:
    """Handles merge group jobs."""

    environment: JobEnvironment

    async def handle(self, job: MergeGroupJob, step: Step) -> None:
        """Complete the group's check runs with the worst result of its pull requests in each stage."""
        number = _number(job.head_ref)
        if number is None:
            logger.warning("the name of the merge queue branch contains no pull request: %s", job.head_ref)
            return
        await step(Checkpoint("conclude", type(None)), lambda: self._conclude(job, number))

    async def _conclude(self, job: MergeGroupJob, number: int) -> None:
        access = self._open(job, number)
        config, snapshot = await self._read(job, access)
        others = await self._others(job, number)
        checks = await self._checks(job, config, number, snapshot, others)
        ids = await start_checks(
            [check.stage for check in checks],
            ref=_ref(job, number),
            head_sha=job.head_sha,
            writer=access.writer,
            ledger=access.ledger,
        )
        await complete_checks(checks, check_run_ids=ids, writer=access.writer, ledger=access.ledger)

    async def _read(self, job: MergeGroupJob, access: PullRequestAccess) -> tuple[RepositoryConfig, Snapshot]:
        """Return the base's configuration, and the pull request that names the group."""
        snapshot = await access.source.snapshot(BASE_PATHS)
        owner = job.repository.partition("/")[0]
        configuration = read_configuration(
            snapshot,
            organization=await self.environment.organization_defaults.load(job.installation_id, owner),
        )
        return configuration.config, snapshot

    async def _others(self, job: MergeGroupJob, number: int) -> list[int] | None:
        """Return the other pull requests of the group; None if they are unknown.

        A queue that merges commits unchanged lists their heads; one that squashes or rebases lists the commits of the
        groups before this one.
        """
        try:
            commits = await self.environment.github.merge_group_commits(job)
        except (GitHubForbidden, GitHubNotFound, GitHubRejected) as error:
            logger.warning("cannot read the commits of a merge group: %s", error)
            return None
        if commits is None:
            return None
        database = self.environment.database
        found = await asyncio.to_thread(load_pull_requests_of_heads, database, job.repository, commits)
        groups = await asyncio.to_thread(load_merge_groups, database, job.repository, commits)
        return sorted({*found, *filter(None, map(_number, groups))} - {number})

    async def _checks(
        self,
        job: MergeGroupJob,
        config: RepositoryConfig,
        number: int,
        snapshot: Snapshot,
        others: Sequence[int] | None,
    ) -> list[CheckUpdate]:
        redact = self.environment.redact
        if others is None:
            return [
                failed_check(stage, reason=UNKNOWN_MERGE_GROUP, gate=strictest_gate(config), redact=redact)
                for stage in all_stages(config)
            ]
        head_sha = snapshot.pull_request.head_sha if snapshot.pull_request else ""
        members = [await self._member(job, number, head_sha)]
        for other in others:
            head = await self._open(job, other).writer.head_sha()
            members.append(await self._member(job, other, head))
        report = _report(members, job.head_sha)
        rules = _rules(config, snapshot, report, is_alone=not others)
        return [self._check(stage, members, report, config, rules) for stage in rules.stages]

    def _check(
        self,
        stage: Stage,
        members: Sequence[_Member],
        report: ReviewReport,
        config: RepositoryConfig,
        rules: ChangeRules,
    ) -> CheckUpdate:
        redact = self.environment.redact
        unread = [member.ref.number for member in members if stage not in member.stages]
        if unread:
            return failed_check(
                stage, reason=render_unreviewed(unread), gate=rules.gate(stage), redact=redact
            )
        worst = min((member.stages[stage] for member in members), key=_completeness)
        known = {finding.fingerprint for finding in report.findings}
        worst = replace(worst, left_out=rules.left_out(stage))
        return plan_check(worst, report, config=config, rules=rules, redact=redact, unannotated=known)

    async def _member(self, job: MergeGroupJob, number: int, head_sha: str) -> _Member:
        ref = _ref(job, number)
        memory = await asyncio.to_thread(load_memory, self.environment.database, ref)
        return _Member(ref=ref, head_sha=head_sha, memory=memory)

    def _open(self, job: MergeGroupJob, number: int) -> PullRequestAccess:
        return self.environment.open(_ref(job, number), installation_id=job.installation_id, ledger=job.key)


def named_pull_request(job: MergeGroupJob) -> PullRequestRef | None:
    """Return the pull request that names the group; its check runs are the group's."""
    number = _number(job.head_ref)
    return _ref(job, number) if number else None


def _number(head_ref: str) -> int | None:
    named = _QUEUE_REF.fullmatch(head_ref)
    return int(named[1]) if named else None


def _ref(job: MergeGroupJob, number: int) -> PullRequestRef:
    owner, _, repo = job.repository.partition("/")
    return PullRequestRef(owner=owner, repo=repo, number=number)


def _completeness(result: StageResult) -> int:
    """Return 0 if the stage failed, 1 if no model reviewed, 2 if a model did."""
    if result.status is StageStatus.FAILED:
        return 0
    return 1 if result.provider is Provider.ANALYZERS else 2


def _rules(
    config: RepositoryConfig, snapshot: Snapshot, report: ReviewReport, *, is_alone: bool
) -> ChangeRules:
    """The settings of the files of the group. Those of other pull requests are unknown, so any gate may apply to them."""
    rules = change_rules(config, snapshot.diff.files)
    if not config.overrides or is_alone:
        return rules
    coverage = report.coverage
    paths = {each.path for each in (*report.findings, *coverage.omitted, *coverage.partly)}
    unknown = FileRules(gate=strictest_gate(config), stages=all_stages(config))
    named = {path: explain_path(config, path).rules for path in sorted(paths)}
    return replace(rules, by_path={"other files": unknown, **named, **rules.by_path})


def _report(members: Sequence[_Member], head_sha: str) -> ReviewReport:
    """Combine the state of the members into a report on the group's commit."""
    coverage = Coverage(files=0, reviewed=0)
    for member in members:
        read = member.memory.coverage or Coverage(files=0, reviewed=0)
        coverage = replace(
            coverage,
            files=coverage.files + read.files,
            reviewed=coverage.reviewed + read.reviewed,
            omitted=(*coverage.omitted, *read.omitted),
            partly=(*coverage.partly, *read.partly),
        )
    return ReviewReport(
        findings=tuple(
            known.finding for member in members for known in member.memory.findings if known.is_unsettled
        ),
        rejected=(),
        stages=(),
        coverage=coverage,
        usage=UsageTotal(),
        duration_ms=0,
        head_sha=head_sha,
    )
