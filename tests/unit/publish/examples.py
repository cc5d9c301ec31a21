"""A small review to render: three files, findings of every placement, one rejected claim, one omitted file."""

from dataclasses import replace

from app.domain.diff import Diff, DiffLine, FileDiff, FileStatus, Hunk, LineKind, Side
from app.domain.finding import (
    ComponentEdge,
    Document,
    FileSummary,
    Finding,
    Placement,
    Rejection,
    Severity,
    Stage,
    Walkthrough,
)
from app.domain.model_call import Provider
from app.domain.review import Coverage, Omission, ReviewReport, StageResult, StageStatus, UsageTotal

HEAD = "5c0ffee5c0ffee5c0ffee5c0ffee5c0ffee5c0ff"

INJECTION = Finding(
    stage=Stage.SECURITY,
    severity=Severity.CRITICAL,
    rule_id="sql-injection",
    cwe="CWE-89",
    path="pay.py",
    start_line=8,
    end_line=9,
    title="`id` goes into the SQL text",
    explanation="The query is concatenated from `id`, so `1 OR 1=1` returns every payment.",
    suggestion='    q = "SELECT * FROM payments WHERE id = ?"\n    return db.execute(q, (id,))',
    found_by=("gpt:gpt-6.2-sol",),
    confirmed_by=("claude:claude-sonnet-5-5",),
    verifier_evidence="`pay.py:9` passes the string to `execute` unchanged.",
    fingerprint="a1" * 16,
    placement=Placement.INLINE,
    worth=10,
)
OFF_BY_ONE = Finding(
    stage=Stage.REVIEW,
    severity=Severity.MEDIUM,
    rule_id="off-by-one",
    cwe="CWE-193",
    path="pages.go",
    start_line=3,
    end_line=3,
    title="The last page is never reached",
    explanation="`page < pages` stops one page early when the total is a multiple of the page size.",
    found_by=("claude:claude-sonnet-5-5", "gemini:gemini-3.8-flash"),
    fingerprint="b2" * 16,
    placement=Placement.FILE,
    worth=7,
)
UNTESTED = Finding(
    stage=Stage.REVIEW,
    severity=Severity.LOW,
    rule_id="missing-test",
    path="pay.py",
    start_line=30,
    end_line=30,
    title="No test for a refused card",
    explanation="The branch that raises `CardRefused` is not covered.",
    found_by=("analyzers:ruff",),
    fingerprint="c3" * 16,
    placement=Placement.SUMMARY,
    pre_existing=True,
)
REJECTED = Rejection(
    finding=replace(OFF_BY_ONE, title="`limit` may be negative", path="pages.go", fingerprint="d4" * 16),
    reason="Refuted by Claude: the caller checks it.",
)


def added(path: str, *, first: int, count: int) -> FileDiff:
    """A file with one hunk of added lines."""
    lines = tuple(
        DiffLine(kind=LineKind.ADDED, text=f"line {number}", old_line=None, new_line=number)
        for number in range(first, first + count)
    )
    hunk = Hunk(old_start=first, old_count=0, new_start=first, new_count=count, section="", lines=lines)
    return FileDiff(path=path, status=FileStatus.MODIFIED, hunks=(hunk,))


def with_context(path: str, *, first: int, kinds: str) -> FileDiff:
    """A file with one hunk, a letter a line: `+` added, `-` removed, anything else context."""
    lines: list[DiffLine] = []
    old = new = first
    for sign in kinds:
        kind = {"+": LineKind.ADDED, "-": LineKind.REMOVED}.get(sign, LineKind.CONTEXT)
        lines.append(
            DiffLine(
                kind=kind,
                text="x",
                old_line=None if sign == "+" else old,
                new_line=None if sign == "-" else new,
            )
        )
        old += sign != "+"
        new += sign != "-"
    hunk = Hunk(
        old_start=first,
        old_count=old - first,
        new_start=first,
        new_count=new - first,
        section="",
        lines=tuple(lines),
    )
    return FileDiff(path=path, status=FileStatus.MODIFIED, hunks=(hunk,))


DIFF = Diff(
    files=(
        added("pay.py", first=5, count=10),
        with_context("pages.go", first=1, kinds=" -+ "),
        added("a.png", first=1, count=0),
    )
)

SECURITY = StageResult(
    stage=Stage.SECURITY,
    status=StageStatus.COMPLETED,
    provider=Provider.GPT,
    model="gpt-6.2-sol",
    route="gpt first for security",
)
REVIEW = StageResult(
    stage=Stage.REVIEW,
    status=StageStatus.COMPLETED,
    provider=Provider.CLAUDE,
    model="claude-sonnet-5-5",
    route="claude first for review",
    notes=("Shown besides the diff: 4 definitions, 2 callers.",),
)
DOCS = StageResult(
    stage=Stage.DOCS,
    status=StageStatus.COMPLETED,
    provider=Provider.GEMINI,
    model="gemini-3.8-flash",
    route="gemini first for docs",
    walkthrough=Walkthrough(
        summary="Payments are looked up by id, and the list of payments is paged.",
        files=(
            FileSummary(path="pay.py", change="Adds `find_payment`."),
            FileSummary(path="pages.go", change="Counts pages."),
        ),
        edges=(
            ComponentEdge(source="API", target="Payments", label="find"),
            ComponentEdge(source="Payments", target='DB "main"', label=""),
        ),
    ),
    documents=(
        Document(format="markdown", title="Payments", content="# find_payment\n\nReturns one payment."),
    ),
)

REPORT = ReviewReport(
    findings=(INJECTION, OFF_BY_ONE, UNTESTED),
    rejected=(REJECTED,),
    stages=(REVIEW, SECURITY, DOCS),
    coverage=Coverage(files=3, reviewed=2, omitted=(Omission(path="a.png", reason="binary image"),)),
    usage=UsageTotal(
        calls=5, input_tokens=12_345, cached_input_tokens=2_000, output_tokens=1_234, cost_usd=0.0312
    ),
    duration_ms=12_345,
    head_sha=HEAD,
)
CLEAN = replace(
    REPORT,
    findings=(),
    rejected=(),
    stages=(replace(REVIEW, notes=()), SECURITY, replace(DOCS, walkthrough=None, documents=())),
    coverage=Coverage(files=2, reviewed=2),
)
FAILED = replace(
    CLEAN,
    stages=(
        REVIEW,
        StageResult(
            stage=Stage.SECURITY, status=StageStatus.FAILED, error="GPT: rate limited; Claude: timeout"
        ),
        DOCS,
    ),
)
KEYLESS = replace(
    CLEAN,
    findings=(UNTESTED,),
    stages=tuple(
        StageResult(stage=stage, status=StageStatus.COMPLETED, provider=Provider.ANALYZERS) for stage in Stage
    ),
    usage=UsageTotal(),
    keyless=True,
)
LEFT_SIDE = replace(
    INJECTION, side=Side.LEFT, path="pages.go", start_line=2, end_line=2, fingerprint="e5" * 16
)
