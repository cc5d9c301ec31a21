"""A month of a small company's reviews, the same on every run: for the browser tests and for the screenshots in the docs."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from random import Random

from sqlmodel import Session

from app.domain.review import StationTime
from app.store.call_tables import ModelCallRow, SpendRow
from app.store.columns import Row
from app.store.database import Database
from app.store.job_tables import DeliveryRow, LeaseRow
from app.store.review_tables import FindingRow, LearnedRuleRow, RejectionRow, ReviewRow, StageResultRow

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
CLAUDE, GPT, GEMINI = "claude:claude-sonnet-5-5", "gpt:gpt-6.2-sol", "gemini:gemini-3.8-flash"
REPOSITORIES = ("acme/payments", "acme/storefront", "acme/ledger", "acme/mobile-app")
STARRED = "review-starred"
HOSTILE = "<img src=x onerror=alert(1)><script>document.title='owned'</script>"
FINDERS = {"review": CLAUDE, "security": GPT, "docs": GEMINI}
VERIFIERS = {"review": GPT, "security": CLAUDE, "docs": CLAUDE}
PROMPTS = {
    "review": "review/system",
    "security": "security/system",
    "docs": "docs/system",
    "verify": "verify/system",
}
OWNERS = {"review": "@acme/payments", "security": "@acme/payments @acme/security", "docs": "@acme/writers"}
RULES = (
    ("null-dereference", "high", "The customer may be missing when the refund is booked"),
    ("resource-leak", "medium", "The export file is never closed on the error path"),
    ("race-condition", "high", "Two captures of one charge may both succeed"),
    ("missing-error-handling", "medium", "A timeout of the bank is taken for a refusal"),
    ("documentation-drift", "low", "The docstring still names the old currency argument"),
)


def fill(database: Database) -> None:
    """Fill the database with the month."""
    rng = Random(20261120)
    with database.write() as session:
        for number in range(240):
            _add_review(session, rng, number)
        _add_starred(session)
        _add_around(session)


def add_hostile(database: Database) -> str:
    """Add a review in which every text is an attack on the page, and return its id."""
    review = _review("review-hostile", NOW - timedelta(minutes=1), repository=f"acme/{HOSTILE}")
    review.error = review.trigger = HOSTILE
    review.notes = [HOSTILE]
    review.coverage = {"files": 2, "reviewed": 1, "omitted": [{"path": f"{HOSTILE}.py", "reason": HOSTILE}]}
    finding = _finding(review, 0, rule=("xss", "critical", HOSTILE))
    for name in ("path", "explanation", "quote", "suggestion", "verifier_evidence", "reason"):
        setattr(finding, name, HOSTILE)
    finding.found_by = [f"claude:{HOSTILE}"]
    call = _call(review, 0, "review", CLAUDE, at_ms=0, latency_ms=900)
    call.reason = call.error = HOSTILE
    rejection = _rejection(review, 0, title=HOSTILE, reason=f"Refuted by {HOSTILE}")
    stage = _stage(review, "review", route=HOSTILE)
    stage.documents = [{"format": "html", "title": HOSTILE, "content": HOSTILE}]
    delivery = _delivery(0, review, state="failed")
    delivery.guid, delivery.reason = "hostile", HOSTILE
    rule = _rule(0, evidence=HOSTILE, repository=review.repository)
    with database.write() as session:
        _add(session, review, finding, call, rejection, stage, delivery, rule)
    return review.id


def _add(session: Session, *rows: Row) -> None:
    session.add(rows[0])
    session.flush()
    session.add_all(rows[1:])


def _add_review(session: Session, rng: Random, number: int) -> None:
    at = NOW - timedelta(hours=3 * number + rng.random() * 2.5)
    if at.weekday() >= 5 and rng.random() < 0.8:
        return
    status = rng.choices(("completed", "superseded", "failed"), (90, 7, 3))[0]
    review = _review(
        f"review-{number:04}", at, repository=rng.choices(REPOSITORIES, (5, 4, 2, 1))[0], status=status
    )
    review.pull_request = 1_400 - number // 2
    review.trigger = rng.choice(("opened", "synchronize", "synchronize", "comment:2291"))
    rows: list[Row] = [
        _random_call(review, rng, place, stage) for place, stage in enumerate((*FINDERS, "verify"))
    ]
    if status == "completed":
        rows += [
            _random_finding(review, rng, place)
            for place in range(rng.choices((0, 1, 2, 3), (38, 34, 20, 8))[0])
        ]
        if rng.random() < 0.5:
            rows.append(_rejection(review, 0))
    _add(session, review, *rows)


def _random_call(review: ReviewRow, rng: Random, place: int, stage: str) -> ModelCallRow:
    source = FINDERS.get(stage) or rng.choice((CLAUDE, GPT))
    slow = {"claude": 8_500, "gpt": 11_000, "gemini": 4_200}[source.partition(":")[0]]
    call = _call(
        review,
        place,
        stage,
        source,
        at_ms=900 if stage != "verify" else 15_000,
        latency_ms=int(slow * rng.lognormvariate(0, 0.35)),
    )
    call.outcome = rng.choices(("ok", "rate_limited", "timeout", "cache_hit"), (93, 3, 1, 3))[0]
    return call


def _random_finding(review: ReviewRow, rng: Random, place: int) -> FindingRow:
    stage = rng.choices(list(FINDERS), (5, 3, 2))[0]
    finding = _finding(review, place, rule=rng.choice(RULES), stage=stage)
    finding.outcome = rng.choices(("open", "resolved", "dismissed", "outdated"), (20, 55, 16, 9))[0]
    finding.reactions_up, finding.reactions_down = rng.choice((0, 0, 1)), rng.choice((0, 0, 0, 1))
    return finding


def _review(
    review_id: str, at: datetime, *, repository: str = "acme/payments", status: str = "completed"
) -> ReviewRow:
    return ReviewRow(
        id=review_id,
        installation_id=7,
        repository=repository,
        pull_request=1_482,
        head_sha="9f2c41d07be84a5aa1d6c3f0e8b7294d5c60fa13",
        trigger="opened",
        status=status,
        created_at=at,
        started_at=at,
        finished_at=at + timedelta(seconds=24),
        cost_usd=0.0613,
        stages=list(FINDERS),
        duration_ms=24_300 if status == "completed" else None,
    )


def _call(
    review: ReviewRow, place: int, stage: str, source: str, *, at_ms: int, latency_ms: int
) -> ModelCallRow:
    provider, _, model = source.partition(":")
    assert review.started_at
    return ModelCallRow(
        id=f"{review.id}-call-{place}",
        review_id=review.id,
        installation_id=review.installation_id,
        repository=review.repository,
        pull_request=review.pull_request,
        stage=stage,
        provider=provider,
        model=model,
        prompt_id=PROMPTS[stage],
        prompt_version="3",
        attempt=1,
        outcome="ok",
        latency_ms=latency_ms,
        input_tokens=14_200 + 37 * place,
        cached_input_tokens=9_800 if stage == "verify" else 0,
        output_tokens=1_180,
        cost_usd={"claude": 0.0312, "gpt": 0.0207, "gemini": 0.0041}[provider],
        started_at=review.started_at + timedelta(milliseconds=at_ms),
        day=f"{review.started_at:%Y-%m-%d}",
        reason=f"first choice for {stage}" if stage in FINDERS else "another vendor than the finder",
    )


def _finding(
    review: ReviewRow, place: int, *, rule: tuple[str, str, str], stage: str = "review"
) -> FindingRow:
    rule_id, severity, title = rule
    return FindingRow(
        id=f"{review.id}-finding-{place}",
        review_id=review.id,
        installation_id=review.installation_id,
        repository=review.repository,
        pull_request=review.pull_request,
        fingerprint=f"{review.id}-{place}",
        stage=stage,
        severity=severity,
        path="payments/charges.py",
        owners=OWNERS[stage],
        line=48,
        start_line=48,
        side="RIGHT",
        found_by=[FINDERS[stage]],
        confirmed_by=[VERIFIERS[stage]],
        placement="inline",
        outcome="open",
        rule_id=rule_id,
        title=title,
        explanation="The value is used before it is checked.",
        worth=7,
        created_at=review.created_at,
    )


def _rejection(
    review: ReviewRow,
    place: int,
    *,
    title: str = "The loop may never end",
    reason: str = "Refuted by gpt:gpt-6.2-sol: the iterator is bounded by the page size.",
) -> RejectionRow:
    return RejectionRow(
        id=f"{review.id}-rejected-{place}",
        review_id=review.id,
        stage="review",
        severity="medium",
        rule_id="infinite-loop",
        path="payments/export.py",
        line=17,
        title=title,
        reason=reason,
        found_by=[CLAUDE],
        created_at=review.created_at,
    )


def _stage(review: ReviewRow, stage: str, *, route: str | None = None) -> StageResultRow:
    source = FINDERS[stage]
    provider, _, model = source.partition(":")
    return StageResultRow(
        review_id=review.id,
        stage=stage,
        status="completed",
        provider=provider,
        model=model,
        route=route or f"{source}: first choice for {stage}",
    )


def _rule(place: int, *, evidence: str, repository: str = "acme/storefront") -> LearnedRuleRow:
    return LearnedRuleRow(
        id=f"rule-{place}-{repository}",
        installation_id=7,
        repository=repository,
        rule_id="missing-error-handling",
        evidence=evidence,
        dismissals=3,
        created_at=NOW - timedelta(days=2 + place),
    )


def _delivery(place: int, review: ReviewRow, *, state: str = "done") -> DeliveryRow:
    return DeliveryRow(
        guid=f"5f0c1e{place:02}-2b7d-11f0-9c1a-6f2f4d8ea{place:03}",
        event="pull_request",
        action="opened",
        installation_id=7,
        repository=review.repository,
        pull_request=review.pull_request,
        received_at=NOW - timedelta(minutes=7 * place),
        state=state,
        job_key=f"job-{place}",
        request={},
        attempts=1,
    )


def _add_starred(session: Session) -> None:
    """Add the review in the screenshots: three stages, a retry, a verification, one finding by two vendors."""
    review = _review(STARRED, NOW - timedelta(minutes=6))
    review.cost_usd = 0.1187
    review.stations = [
        asdict(StationTime(station=name, started_ms=start, duration_ms=took))
        for name, start, took in (
            ("gather", 0, 1_240),
            ("analyze", 1_240, 2_050),
            ("review", 3_290, 9_480),
            ("security", 3_290, 13_120),
            ("docs", 3_290, 4_610),
            ("verify", 16_410, 6_730),
            ("publish", 23_140, 1_160),
        )
    ]
    review.coverage = {
        "files": 9,
        "reviewed": 7,
        "omitted": [
            {"path": "package-lock.json", "reason": "lock file"},
            {"path": "docs/flow.png", "reason": "binary"},
        ],
    }
    injection = _finding(
        review,
        0,
        rule=("sql-injection", "critical", "The search text becomes part of the SQL statement"),
        stage="security",
    )
    injection.path, injection.start_line, injection.line, injection.cwe = (
        "payments/statements.py",
        21,
        22,
        "CWE-89",
    )
    injection.found_by, injection.confirmed_by, injection.worth = [GPT, "analyzers:patterns"], [CLAUDE], 10
    injection.explanation = (
        "`search` comes from the query string and is put between the quotes of the statement. A value such as "
        "`' OR 1=1 --` returns every customer's statements."
    )
    injection.quote = (
        "rows = database.execute(\n    f\"SELECT * FROM statements WHERE note LIKE '%{search}%'\")"
    )
    injection.suggestion = (
        'rows = database.execute(\n    "SELECT * FROM statements WHERE note LIKE ?", (f"%{search}%",))'
    )
    injection.verifier_evidence = (
        '`search` is `request.args["q"]`, unchanged on its way; `execute` gets no parameters.'
    )
    double = _finding(review, 1, rule=RULES[2])
    double.found_by, double.confirmed_by = [CLAUDE, GPT], []
    double.explanation = "`capture` reads the state and writes it later without a lock: a second request in between captures again."
    double.quote = 'if charge.state == "authorised":\n    gateway.capture(charge.id)'
    drift = _finding(review, 2, rule=RULES[4], stage="docs")
    drift.path, drift.placement, drift.worth = "payments/refunds.py", "file", 4
    retried = _call(review, 1, "security", GPT, at_ms=3_330, latency_ms=2_400)
    retried.outcome, retried.output_tokens, retried.error = "rate_limited", 0, "429: tokens per minute"
    second = _call(review, 2, "security", GPT, at_ms=6_900, latency_ms=9_400)
    second.attempt, second.parent_id = 2, retried.id
    stages = [_stage(review, stage) for stage in FINDERS]
    stages[2].walkthrough = {
        "summary": "Adds refunds with a reason, a statement search and a CSV export of settled charges.",
        "files": [],
        "edges": [],
    }
    _add(
        session,
        review,
        injection,
        double,
        drift,
        *stages,
        _call(review, 0, "review", CLAUDE, at_ms=3_320, latency_ms=9_410),
        retried,
        second,
        _call(review, 3, "docs", GEMINI, at_ms=3_310, latency_ms=4_550),
        _call(review, 4, "verify", CLAUDE, at_ms=16_430, latency_ms=6_680),
        _call(review, 5, "verify", GPT, at_ms=16_440, latency_ms=4_100),
        _rejection(review, 0),
        _rejection(review, 1, title="The amount may overflow", reason="Refuted by claude:claude-sonnet-5-5: amounts are Decimal here."),
    )  # fmt: skip


def _add_around(session: Session) -> None:
    """Add deliveries, rules, spend, and a live worker."""
    review = _review("unused", NOW)
    states = ("running", "done", "failed", "done", "superseded", "done", "duplicate", "done")
    session.add_all(_delivery(place, review, state=state) for place, state in enumerate(states))
    taken_back = _rule(1, evidence="logger.warning(payload)")
    taken_back.removed_by = "mika"
    session.add_all([_rule(0, evidence="except TimeoutError: return None"), taken_back])
    for repository, spent, limit in zip(
        REPOSITORIES, (19.4, 11.2, 4.1, 0.8), (25.0, 25.0, 10.0, 25.0), strict=True
    ):
        account = f"repository:7:{repository}:{NOW:%Y-%m}"
        session.add(SpendRow(account=account, spent_usd=spent, limit_usd=limit, updated_at=NOW))
    session.add(
        LeaseRow(executor_id="one", role="all", started_at=NOW, expires_at=NOW + timedelta(seconds=15))
    )
