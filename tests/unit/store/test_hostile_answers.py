"""No answer of a model fails a review: whatever it holds can be checkpointed, shown, and stored in both databases."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app.domain.configuration import RepositoryConfig
from app.domain.edit import FileEdit
from app.domain.finding import Document, Finding, Stage, VerifierVerdict
from app.domain.model_call import Provider
from app.domain.pull_request import PullRequestRef
from app.domain.review import Coverage, ReviewReport, ReviewRequest, StageResult, StageStatus, UsageTotal
from app.errors import ModelInvalidOutput
from app.findings.settle import Settlement, settle
from app.prompting.parsing import parse_docs, parse_verdicts
from app.publish.comments import render_finding_comment
from app.publish.notes import explain_note, explain_rejection
from app.publish.reports import render_json, render_text
from app.publish.sarif import render_sarif
from app.publish.summary import render_summary
from app.store.database import Database
from app.store.pull_requests import load_memory
from app.store.reports import record_report
from app.store.reviews import record_review_begun
from tests.unit.findings.making import diff_of, sources_of

FILES = {"pay.py": ("", "def pay(id):\n    q = 'SELECT ' + id\n    return db.run(q)\n")}
REF = PullRequestRef(owner="octo", repo="shop", number=7)
NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
VALUES: list[object] = [
    None, True, 0, -1, 8, 2**31, 2**63, -(2**63) - 1, 10**400, 1e308, -1e308, math.nan, math.inf, "", "4", "9" * 5_000,
    "\x00", "a\x00b", "\ud800", "\udce9", "\ue000\uefff", "\u2028\u202e\x1b[31m", "x" * 70_000, "```\n" * 50, [], {}, [[[]]],
    {"value": "x"}, "../../etc/passwd", "pay.py", "c1", "high", "sql-injection", "confirmed", "q = 'SELECT ' + id",
]  # fmt: skip
SCALARS = st.sampled_from(VALUES)
GOOD_FINDING: dict[str, Any] = {
    "path": "pay.py", "line": 2, "quote": "q = 'SELECT ' + id", "severity": "high", "rule_id": "sql-injection",
    "title": "The id reaches the query", "explanation": "Any id.", "suggestion": "q = SELECT", "evidence": "",
    "pre_existing": False,
}  # fmt: skip
GOOD_VERDICT: dict[str, Any] = {
    "id": "c1", "verdict": "confirmed", "evidence": "pay.py:2", "worth": 8, "same_as": None, "restated": None
}  # fmt: skip


NUMBERS = st.sampled_from([-1, 0, 11, 2**31, 2**63, -(2**63) - 1, 10**400, 1e308, math.inf, "9" * 30])


def spoiled(good: dict[str, Any], number: str) -> st.SearchStrategy[object]:
    """The object with its number and other fields replaced, or something else altogether."""
    fields = st.dictionaries(st.sampled_from(sorted(good)), SCALARS, max_size=2)

    def changed(given: object, changes: dict[str, object]) -> dict[str, object]:
        return good | {number: given} | changes

    return st.one_of(
        st.builds(changed, NUMBERS, st.just(dict[str, object]())),
        st.builds(changed, NUMBERS, fields),
        SCALARS,
    )


ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["path", "change", "source", "target", "label", "title", "content"]), SCALARS
    )
)
ANSWERS = st.fixed_dictionaries(
    {
        "findings": st.lists(spoiled(GOOD_FINDING, "line"), max_size=4).map(
            lambda some: [*some, GOOD_FINDING]
        ),
        "verdicts": st.lists(spoiled(GOOD_VERDICT, "worth"), max_size=3).map(
            lambda some: [GOOD_VERDICT, *some]
        ),
        "summary": SCALARS,
        "files": st.one_of(ROWS, SCALARS),
        "edges": st.one_of(ROWS, SCALARS),
        "documents": st.one_of(ROWS, SCALARS),
    }
)


async def settled(findings: Sequence[Finding], answer: object) -> Settlement:
    async def ask(
        candidates: Sequence[Finding], excluded: Sequence[Provider], near: object
    ) -> list[VerifierVerdict]:
        del excluded, near
        claims = {f"c{number}": claim for number, claim in enumerate(candidates, 1)}
        try:
            verdicts = parse_verdicts(answer, ids=list(claims))
        except ModelInvalidOutput:
            return []
        return [
            VerifierVerdict(
                id=claims[each.id].fingerprint, judgement=each.judgement, evidence=each.evidence, worth=each.worth,
                by="gpt:five", restated=each.restated,
            )
            for each in verdicts
        ]  # fmt: skip

    async def all_sound(edits: Sequence[FileEdit]) -> list[bool]:
        return [bool(edit.result) for edit in edits]

    return await settle(
        findings,
        diff=diff_of(FILES),
        config=RepositoryConfig(),
        ask_verdicts=ask,
        source_of=sources_of(FILES),
        enclosing_symbol=lambda path, source, line: "pay",
        check_edits=all_sound,
        vendors=(Provider.CLAUDE, Provider.GPT),
    )


def checkpointed(kind: type, value: object) -> Any:
    adapter = TypeAdapter[Any](kind)
    return adapter.validate_python(json.loads(json.dumps(adapter.dump_python(value, mode="json"))))


def show(report: ReviewReport) -> None:
    json.loads(render_json(report, redact=str))
    render_text(report, redact=str)
    render_sarif(report, redact=str, version="1")
    render_summary(report, key="octo/shop#7", redact=str)
    for finding in report.findings:
        render_finding_comment(finding, redact=str)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=ANSWERS)
async def test_every_answer_can_be_checkpointed_shown_and_stored(
    any_database: Database, answer: object
) -> None:
    docs = parse_docs(answer, stage=Stage.REVIEW, paths=["pay.py"])
    findings = tuple(replace(each, found_by=("claude:opus",)) for each in docs.found.findings)
    stage = StageResult(
        stage=Stage.REVIEW,
        status=StageStatus.COMPLETED,
        findings=findings,
        rejected=docs.found.rejected,
        walkthrough=docs.walkthrough,
        documents=tuple(
            Document(format="markdown", title=title, content=content) for title, content in docs.documents
        ),
        notes=docs.found.notes,
    )
    stage = checkpointed(StageResult, stage)
    settlement = checkpointed(Settlement, await settled(stage.findings, answer))
    report = ReviewReport(
        findings=settlement.findings,
        rejected=tuple(map(explain_rejection, (*stage.rejected, *settlement.rejected))),
        stages=(replace(stage, findings=()),),
        coverage=Coverage(files=1, reviewed=1),
        usage=UsageTotal(),
        duration_ms=1,
        head_sha="a" * 40,
        notes=tuple(map(explain_note, settlement.notes)),
    )
    assert "sql-injection" in {each.rule_id for each in report.findings}
    assert all(1 <= each.start_line <= each.end_line <= 4 for each in report.findings)
    show(report)
    request = ReviewRequest(review_id="r1", ref=REF, installation_id=7, trigger="opened", head_sha="a" * 40)
    record_review_begun(any_database, request, delivery="guid-1", at=NOW)
    record_report(any_database, request, report, findings=report.findings, summary_comment_id=5, at=NOW)
    stored = {known.finding.fingerprint for known in load_memory(any_database, REF).findings}
    assert stored == {each.fingerprint for each in report.findings}
