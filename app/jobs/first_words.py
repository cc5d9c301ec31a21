"""Tells a pull request what a stage has answered, as soon as it has, in the stage's check run.

A stage for which nothing remains to be done completes at once. Claims are only counted, because no other vendor has
checked them yet; if the review ends within `PAUSE_S`, not even that. How the review ends decides what a check run says in
the end: a review that is superseded or fails replaces what was said early.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.domain.file_rules import ChangeRules
from app.domain.finding import Stage
from app.domain.model_call import vendors_of
from app.domain.publication import Conclusion
from app.domain.review import Coverage, ReviewReport, StageResult, UsageTotal
from app.errors import QuorumError
from app.gather import Configuration
from app.jobs.access import PullRequestAccess
from app.jobs.wanted import WantedCheck
from app.publish.check_runs import show_early
from app.publish.checks import CheckUpdate, answered_check, plan_check
from app.publish.text import Redact

logger = logging.getLogger(__name__)

PAUSE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstWords:
    """The first words of one review; `stages_with_earlier` have open findings of earlier reviews."""

    access: PullRequestAccess
    check_run_ids: Mapping[Stage, int]
    configuration: Configuration
    rules: ChangeRules
    stages_with_earlier: Collection[Stage]
    wanted: WantedCheck
    redact: Redact
    completed: dict[Stage, CheckUpdate] = field(default_factory=dict[Stage, CheckUpdate])
    _writes: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Finish the writes at the end of the block, so that none of them replaces the result."""
        try:
            yield
        except asyncio.CancelledError:
            for write in self._writes:
                write.cancel()
            raise
        finally:
            self._ended.set()
            await asyncio.gather(*self._writes, return_exceptions=True)

    def show(self, result: StageResult, *, coverage: Coverage) -> None:
        """Begin to show the result of a stage (`app.pipeline.inputs.WhenAnswered`)."""
        if result.stage in self.check_run_ids:
            self._writes.append(asyncio.create_task(self._show(result, coverage)))

    async def _show(self, result: StageResult, coverage: Coverage) -> None:
        """Show the result, if GitHub takes it; if not, the end of the review shows it."""
        check = self._early_check(result, coverage)
        try:
            if check.conclusion is None and await self._ends_soon():
                return
            await self.wanted.check()
            await show_early(
                check,
                self.check_run_ids[result.stage],
                writer=self.access.writer,
                ledger=self.access.ledger,
            )
            if check.conclusion is not None:
                self.completed[result.stage] = check
        except QuorumError as error:
            logger.info("no first words about the stage %s: %s", result.stage, error)

    async def _ends_soon(self) -> bool:
        try:
            return await asyncio.wait_for(self._ended.wait(), PAUSE_S)
        except TimeoutError:
            return False

    def _early_check(self, result: StageResult, coverage: Coverage) -> CheckUpdate:
        """The check run with its conclusion if that is a success that no later answer changes; without one otherwise."""
        check = plan_check(
            result,
            _report_on(coverage),
            config=self.configuration.config,
            rules=self.rules,
            redact=self.redact,
            lacking=self.access.lacking(),
        )
        has_problem = result.findings or result.unread_paths or result.stage in self.stages_with_earlier
        if not has_problem and check.conclusion is Conclusion.SUCCESS:
            return check
        claims = sum(bool(vendors_of(finding.found_by)) for finding in result.findings)
        return answered_check(result, claims=claims)


def _report_on(coverage: Coverage) -> ReviewReport:
    return ReviewReport(
        findings=(), rejected=(), stages=(), coverage=coverage, usage=UsageTotal(), duration_ms=0
    )
