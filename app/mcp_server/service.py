"""Runs the tools: the pipeline on the caller's code, with progress for the caller. Independent of the protocol.

Every call is charged to the repository `mcp`, whose monthly budget is QUORUM_BUDGET_REPOSITORY_MONTH_USD. A few calls run concurrently.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from app.clock import parse_since, utc_now
from app.domain.analysis import AdvisoryLookup
from app.domain.finding import Finding, Stage
from app.domain.lookup import CodeLookup
from app.domain.model_call import Provider
from app.domain.review import ReviewReport, StageStatus, Watch, ignore_events
from app.domain.rules import rule_for
from app.errors import InputError
from app.llm.client import CallScope
from app.mcp_server.answers import (
    DocumentationAnswer,
    ExplanationAnswer,
    FindingAnswer,
    ReportAnswer,
    ScanAnswer,
    StatsAnswer,
)
from app.mcp_server.code_input import check_length, open_code
from app.mcp_server.code_tools import LookupResult, look_up_in
from app.mcp_server.scans import DastPolicy, scan_dependencies, scan_running_api
from app.mcp_server.stage_prompts import stage_prompt
from app.pipeline import PipelineOptions, gather_change, review_gathered
from app.pipeline.inputs import REVIEW_SPAN, Services, Stations
from app.publish.reports import finding_value, report_value
from app.store.database import Database
from app.store.findings import load_finding_row
from app.store.model_calls import load_stats
from app.store.review_tables import FindingRow
from app.store.reviews import load_recent_reviews

ACCOUNT = "mcp"
MAX_CONCURRENT = 4
MAX_KEPT = 50
DEADLINE_S = 1_200.0  # a stage's deadline, its verification's, and the wait for a slot
NO_DOCUMENT = "The model wrote no document in the format {}."
NO_WRITER = "Only a model writes documentation; the analyzers list what is undocumented."

DocsFormat = Literal["markdown", "openapi", "html"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """A report kept in memory, for `explain_finding` and the list of recent reviews."""

    id: str
    at: datetime
    report: ReviewReport


@dataclass(slots=True, kw_only=True)
class ToolService:
    """Implements the tools, and keeps their shared state."""

    services: Services
    database: Database
    dast: DastPolicy = field(default_factory=DastPolicy)
    lookup_advisories: AdvisoryLookup | None = (
        None  # None: only the bundled file is used, and the answer says so
    )
    repository: Path | None = None  # that the server was started in
    clock: Callable[[], datetime] = utc_now
    deadline_s: float = DEADLINE_S
    kept: "OrderedDict[str, KeptReport]" = field(default_factory=OrderedDict[str, KeptReport])
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT))

    async def review(
        self,
        code: str,
        language: str | None,
        *,
        stages: Sequence[Stage],
        docs_format: DocsFormat = "markdown",
        watch: Watch = ignore_events,
    ) -> ReportAnswer:
        """Run the stages on the code.

        Raises:
            InputError: the code or the language cannot be read.
        """
        check_length(code)
        review_id = str(uuid4())
        options = PipelineOptions(
            scope=CallScope(review_id=review_id, repository=ACCOUNT), stages=tuple(stages)
        )
        tracer = self.services.tracer
        stations = Stations(review_id, watch, tracer=tracer)
        configuration = f"docs_format: {docs_format}\n".encode()
        async with self._slots:
            source = await asyncio.to_thread(open_code, code, language)
            with tracer.span(REVIEW_SPAN, {"quorum.review.id": review_id, "quorum.trigger": ACCOUNT}):
                with stations.timed("gather"):
                    gathered = await gather_change(
                        source, options, self.services, configuration=configuration
                    )
                report = await review_gathered(options, gathered, self.services, stations=stations)
        self._keep(KeptReport(id=review_id, at=self.clock(), report=report))
        return self._answer(report)

    async def prompt(self, stage: Stage, code: str, language: str | None) -> str:
        """See `app.mcp_server.stage_prompts`."""
        check_length(code)
        async with self._slots:
            return await stage_prompt(self.services, stage, code, language)

    async def scan_dependencies(self, code: str, language: str | None) -> ScanAnswer:
        """See `app.mcp_server.scans`."""
        check_length(code)
        async with self._slots:
            return await scan_dependencies(code, language, lookup=self.lookup_advisories)

    async def scan_running_api(self, code: str) -> ScanAnswer:
        """See `app.mcp_server.scans`."""
        check_length(code)
        async with self._slots:
            return await scan_running_api(code, self.dast)

    async def document(self, code: str, language: str | None, docs_format: DocsFormat) -> DocumentationAnswer:
        """Documentation of the code, from the docs stage."""
        report = await self.review(code, language, stages=[Stage.DOCS], docs_format=docs_format)
        written = any(document.format == docs_format for document in report.documents)
        by_model = any(stage.provider not in (None, Provider.ANALYZERS) for stage in report.stages)
        reasons = [] if written else [NO_DOCUMENT.format(docs_format) if by_model else NO_WRITER]
        return DocumentationAnswer(
            status="written" if written else "not_written",
            result=report.result,
            documents=report.documents,
            notes=[*report.notes, *reasons],
            stages=report.stages,
            usage=report.usage,
        )

    async def look_up(self, lookup: CodeLookup) -> LookupResult:
        """See `app.mcp_server.code_tools`."""
        async with self._slots:
            return await look_up_in(self.repository, lookup, self.services.redactor)

    async def explain(self, finding_id: str) -> ExplanationAnswer:
        """Explain a finding of this process's calls or of the App's reviews.

        Raises:
            InputError: there is no such finding.
        """
        for kept in reversed(self.kept.values()):
            for finding in kept.report.findings:
                if finding.fingerprint == finding_id:
                    return self._explanation(finding)
        row = await asyncio.to_thread(load_finding_row, self.database, finding_id)
        if row is None:
            raise InputError("There is no finding with this ID; use an ID from `findings[].id`.")
        return _stored_explanation(row)

    async def stats(self, since: str) -> StatsAnswer:
        """Statistics per model; raises `InputError` if the time span cannot be read."""
        begin = self.clock() - parse_since(since)
        rows = await asyncio.to_thread(load_stats, self.database, begin)
        return StatsAnswer(
            since=since, models=[{**asdict(row), "success_rate": row.success_rate} for row in rows]
        )

    async def recent(self) -> dict[str, Any]:
        """The latest calls of this process and the latest reviews of the App, newest first."""
        rows = await asyncio.to_thread(load_recent_reviews, self.database, MAX_KEPT)
        return {
            "calls": [_call(kept) for kept in reversed(self.kept.values())],
            "reviews": [
                {
                    "id": row.id,
                    "repository": row.repository,
                    "pull_request": row.pull_request,
                    "head_sha": row.head_sha,
                    "trigger": row.trigger,
                    "status": row.status,
                    "created_at": row.created_at.isoformat(),
                    "cost_usd": row.cost_usd,
                }
                for row in rows
            ],
        }

    def _keep(self, kept: KeptReport) -> None:
        self.kept[kept.id] = kept
        while len(self.kept) > MAX_KEPT:
            self.kept.popitem(last=False)

    def _answer(self, report: ReviewReport) -> ReportAnswer:
        redact = self.services.redactor.redact
        value = report_value(report, redact=redact)
        failed = any(stage.status is StageStatus.FAILED for stage in report.stages)
        omitted = [f"{each.path} was not read: {each.reason}." for each in report.coverage.omitted]
        partly = [f"{each.path} was read only in part: {each.reason}." for each in report.coverage.partly]
        of_stages = [note for stage in report.stages for note in stage.notes]
        notes = [*omitted, *partly, *dict.fromkeys(map(redact, [*report.notes, *of_stages]))]
        status = "not_reviewed" if failed or not report.coverage.reviewed else "reviewed"
        return ReportAnswer.model_validate({**value, "status": status, "notes": notes})

    def _explanation(self, finding: Finding) -> ExplanationAnswer:
        redact = self.services.redactor.redact
        return ExplanationAnswer(
            finding=FindingAnswer.model_validate(finding_value(finding, redact=redact)),
            rule=_rule(finding.rule_id),
            why=redact(finding.evidence),
            verified=redact(finding.verifier_evidence),
            outcome=None,
        )


def _call(kept: KeptReport) -> dict[str, Any]:
    return {
        "id": kept.id,
        "at": kept.at.isoformat(),
        "findings": [finding.fingerprint for finding in kept.report.findings],
        "stages": {stage.stage.value: stage.status.value for stage in kept.report.stages},
        "cost_usd": kept.report.usage.cost_usd,
    }


def _rule(rule_id: str) -> str:
    rule = rule_for(rule_id)
    return f"{rule.title} ({rule.cwe})" if rule.cwe else rule.title


def _stored_explanation(row: FindingRow) -> ExplanationAnswer:
    shown = row.model_dump() | {"id": row.fingerprint, "end_line": row.line}
    return ExplanationAnswer(
        finding=FindingAnswer.model_validate(shown),
        rule=_rule(row.rule_id),
        why=row.evidence,
        verified=row.verifier_evidence,
        outcome=row.outcome,
    )
