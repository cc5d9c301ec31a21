from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlmodel import select

from app.domain.finding import Finding, Placement, Rejection, Severity, Stage
from app.domain.job import InstallationJob, review_id
from app.domain.pull_request import PullRequestRef, Thread
from app.domain.review import (
    Coverage,
    Omission,
    ReviewReport,
    ReviewRequest,
    StageResult,
    StageStatus,
    UsageTotal,
)
from app.store import installations, pull_requests
from app.store.call_tables import CachedAnswerRow, SpendRow
from app.store.database import Database
from app.store.findings import (
    FindingOutcome,
    record_outcome,
    record_reactions,
    record_threads,
)
from app.store.installations import purge
from app.store.job_tables import InstallationRow, WriteRow
from app.store.processes import Leases, end_lease, load_or_create_secret, renew_lease
from app.store.pull_requests import load_memory, record_closed
from app.store.reports import record_report
from app.store.review_tables import FindingRow, PullRequestRow, RejectionRow, ReviewRow, StageResultRow
from app.store.reviews import (
    is_superseded,
    load_review,
    load_review_of_head,
    record_cancelled,
    record_review_begun,
    record_review_head,
)
from tests.databases import load_spend

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
REF = PullRequestRef(owner="octo", repo="shop", number=7)
FINDING = Finding(
    stage=Stage.SECURITY,
    severity=Severity.HIGH,
    rule_id="sql-injection",
    cwe="CWE-89",
    path="caf\udce9.py",
    start_line=8,
    end_line=9,
    title="t",
    explanation="e",
    quote="\n".join(str(number) for number in range(19)),
    found_by=("gpt:x",),
    confirmed_by=("claude:y",),
    fingerprint="f1",
    placement=Placement.INLINE,
    worth=9,
)


def request(
    head: str, *, ref: PullRequestRef = REF, trigger: str = "opened", head_known: bool = True
) -> ReviewRequest:
    sha = head * 40
    return ReviewRequest(
        review_id=review_id(ref, head_sha=sha, trigger=trigger),
        ref=ref,
        installation_id=77,
        trigger=trigger,
        head_sha=sha if head_known else None,
    )


def report(*findings: Finding) -> ReviewReport:
    return ReviewReport(
        findings=findings,
        rejected=(Rejection(finding=FINDING, reason="refuted by claude:y"),),
        stages=(StageResult(stage=Stage.SECURITY, status=StageStatus.COMPLETED),),
        coverage=Coverage(files=2, reviewed=1, omitted=(Omission(path="caf\udce9.png", reason="binary"),)),
        usage=UsageTotal(calls=3, cost_usd=0.5),
        duration_ms=900,
        head_sha="a" * 40,
    )


def publish(database: Database, order: ReviewRequest, *findings: Finding, at: datetime = NOW) -> None:
    record_review_begun(database, order, delivery=f"guid-{order.review_id}", at=at)
    record_report(database, order, report(*findings), findings=findings, summary_comment_id=5, at=at)


def open_findings(database: Database, ref: PullRequestRef = REF) -> tuple[Finding, ...]:
    return tuple(known.finding for known in load_memory(database, ref).findings if known.is_unsettled)


def test_a_report_is_read_back_unchanged_and_recording_it_twice_changes_nothing(
    any_database: Database,
) -> None:
    order = request("a")
    publish(any_database, order, FINDING)
    publish(any_database, order, FINDING)
    assert open_findings(any_database, REF) == (FINDING,)
    with any_database.read() as session:
        assert len(session.exec(select(RejectionRow)).all()) == 1
        assert len(session.exec(select(StageResultRow)).all()) == 1


def test_a_dismissed_or_resolved_finding_is_settled_in_every_review(database: Database) -> None:
    other = replace(FINDING, fingerprint="f2")
    publish(database, request("a"), FINDING, other)
    publish(database, request("b", trigger="synchronize"), FINDING, other, at=NOW + timedelta(minutes=1))
    assert record_outcome(database, REF, ["f1"], FindingOutcome.DISMISSED, at=NOW, reason="accepted") == 2
    assert [finding.fingerprint for finding in open_findings(database, REF)] == ["f2"]


def test_threads_and_thumbs_are_recorded_with_their_finding(database: Database) -> None:
    publish(database, request("a"), FINDING)
    thread = Thread(
        node_id="PRRT_1",
        comment_id=2**40,
        fingerprint="f1",
        path="x",
        line=9,
        is_resolved=False,
        is_outdated=False,
    )
    record_threads(database, REF, [thread])
    record_reactions(database, REF, "f1", up=1, down=2)
    with database.read() as session:
        row = session.exec(select(FindingRow)).one()
    assert (row.thread_id, row.comment_id, row.reactions_up, row.reactions_down) == ("PRRT_1", 2**40, 1, 2)


def test_other_pull_requests_and_repositories_are_unchanged(database: Database) -> None:
    others = [
        PullRequestRef(owner="octo", repo="shop", number=8),
        PullRequestRef(owner="octo", repo="shop2", number=7),
    ]
    for ref in (REF, *others):
        publish(database, request("a", ref=ref), FINDING)
    record_outcome(database, REF, ["f1"], FindingOutcome.RESOLVED, at=NOW)
    assert [len(open_findings(database, ref)) for ref in (REF, *others)] == [0, 1, 1]


def test_only_a_later_review_of_another_head_supersedes(
    database: Database,
) -> None:
    def queued(head: str, minute: int, *, head_known: bool = True) -> str:
        order = request(head, trigger=f"t{minute}", head_known=head_known)
        record_review_begun(database, order, delivery=f"guid-{minute}", at=NOW + timedelta(minutes=minute))
        return f"guid-{minute}"

    first, same, no_head = queued("a", 0), queued("a", 1), queued("c", 2, head_known=False)
    assert [is_superseded(database, delivery=guid) for guid in (first, same, no_head)] == [
        False,
        False,
        False,
    ]
    newer = queued("b", 3)
    assert [is_superseded(database, delivery=guid) for guid in (first, same, no_head, newer)] == [
        True,
        True,
        False,
        False,
    ]
    assert not is_superseded(database, delivery="unknown")


def test_a_requeued_review_keeps_its_creation_time(database: Database) -> None:
    order = request("a")
    record_review_begun(database, order, delivery="one", at=NOW)
    record_review_begun(database, order, delivery="one", at=NOW + timedelta(hours=1))
    row = load_review(database, order.review_id)
    assert row is not None
    assert row.created_at == NOW


def test_a_restarted_review_keeps_its_head_and_loses_its_result(
    any_database: Database,
) -> None:
    order, later = request("a"), NOW + timedelta(hours=1)
    publish(any_database, order)
    record_review_head(any_database, order.review_id, "b" * 40, gate="high", read_at=NOW)
    record_cancelled(any_database, order.review_id, reason="No quota.", at=NOW)
    record_review_begun(any_database, order, delivery="again", at=later)
    row = load_review(any_database, order.review_id)
    assert row is not None
    assert (row.created_at, row.head_sha, row.head_read_at, row.gate) == (NOW, "b" * 40, NOW, "high")
    assert (row.status, row.delivery, row.started_at) == ("running", "again", later)
    assert (row.finished_at, row.error, row.cost_usd, row.duration_ms) == (None, None, None, None)
    assert (row.notes, row.coverage, row.stations) == ([], None, [])


def test_a_completed_review_of_a_head_is_found(database: Database) -> None:
    publish(database, request("a"))
    assert load_review_of_head(database, REF, "a" * 40) is None  # its job has not ended
    with database.write() as session:
        session.get_one(ReviewRow, request("a").review_id).status = "completed"
    assert load_review_of_head(database, REF, "a" * 40) is not None
    assert load_review_of_head(database, REF, "b" * 40) is None


def test_a_pull_request_can_be_paused_and_resumed(database: Database) -> None:
    pull_requests.record_paused(database, REF, installation_id=77, by="mona", at=NOW)
    assert load_memory(database, REF).paused_by == "mona"
    pull_requests.record_paused(database, REF, installation_id=77, by=None, at=NOW)
    assert load_memory(database, REF).paused_by is None


def test_a_secret_is_generated_once_for_all_processes(any_database: Database) -> None:
    with ThreadPoolExecutor(6) as pool:
        values = set(pool.map(load_or_create_secret, [any_database] * 6, ["dashboard"] * 6))
    assert len(values) == 1
    assert len(values.pop()) >= 40
    assert load_or_create_secret(any_database, "mcp") != load_or_create_secret(any_database, "dashboard")


def test_leases_separate_live_and_dead_processes(
    any_database: Database,
) -> None:
    def renew(name: str, second: int, *, held: bool = False) -> Leases:
        now, ttl = NOW + timedelta(seconds=second), timedelta(seconds=15)
        return renew_lease(any_database, name, role="worker", now=now, ttl=ttl, held=held)

    assert renew("one", 0) == Leases(living={"one"}, dead=set())
    assert renew("two", 5) == Leases(living={"one", "two"}, dead=set())
    assert renew("two", 16, held=True) == Leases(living={"two"}, dead={"one"})
    assert renew("one", 17, held=True).lost
    assert renew("two", 40, held=True) == Leases(living={"two"}, dead=set())  # nobody has struck it
    end_lease(any_database, "two")
    assert renew("three", 41) == Leases(living={"three"}, dead=set())


def test_text_is_purged_after_the_retention_period_and_figures_stay(database: Database) -> None:
    publish(database, request("a"), FINDING)
    with database.write() as session:
        session.get_one(ReviewRow, request("a").review_id).finished_at = NOW
        session.add(WriteRow(review_id="r", key="k", begun_at=NOW))
        session.add(answer(NOW + timedelta(days=1)))
    record_closed(database, REF, at=NOW)
    purge(database, now=NOW + timedelta(days=29), keep=timedelta(days=30))
    assert open_findings(database, REF) == (FINDING,)
    purge(database, now=NOW + timedelta(days=31), keep=timedelta(days=30))
    with database.read() as session:
        (row,) = session.exec(select(FindingRow)).all()
        assert (row.title, row.explanation, row.quote, row.suggestion) == ("", "", "", None)
        assert (row.fingerprint, row.severity, row.rule_id, row.found_by) == (
            "f1",
            "high",
            "sql-injection",
            ["gpt:x"],
        )
        assert session.get_one(ReviewRow, row.review_id).cost_usd == 0.5
        for table in (RejectionRow, StageResultRow, WriteRow, CachedAnswerRow):
            assert session.exec(select(table)).all() == []


def test_open_findings_on_open_pull_requests_keep_their_text(
    database: Database,
) -> None:
    fixed = replace(FINDING, fingerprint="f2", title="Fixed")
    publish(database, request("a"), FINDING, fixed)
    record_outcome(database, REF, ["f2"], FindingOutcome.RESOLVED, at=NOW)
    with database.write() as session:
        review = session.get_one(ReviewRow, request("a").review_id)
        review.finished_at = NOW
        session.get_one(PullRequestRow, (REF.repository, REF.number)).reviewed_sha = review.head_sha
    purge(database, now=NOW + timedelta(days=300), keep=timedelta(days=30))
    assert open_findings(database, REF) == (FINDING,)
    with database.read() as session:
        titles = {row.fingerprint: row.title for row in session.exec(select(FindingRow))}
        assert titles == {"f1": FINDING.title, "f2": ""}
        assert session.exec(select(StageResultRow)).all() != []

    record_closed(database, REF, at=NOW)
    purge(database, now=NOW + timedelta(days=300), keep=timedelta(days=30))
    with database.read() as session:
        assert {row.title for row in session.exec(select(FindingRow))} == {""}
        assert session.exec(select(StageResultRow)).all() == []


def test_expired_answers_are_deleted(database: Database) -> None:
    with database.write() as session:
        session.add(answer(NOW + timedelta(hours=1)))
    purge(database, now=NOW + timedelta(hours=2), keep=timedelta(days=30))
    with database.read() as session:
        assert session.exec(select(CachedAnswerRow)).all() == []


def answer(expires_at: datetime) -> CachedAnswerRow:
    return CachedAnswerRow(
        installation_id=77,
        repository="octo/shop",
        key="k",
        provider="gpt",
        model="m",
        prompt_id="p",
        prompt_version="1",
        answer={"findings": []},
        created_at=NOW,
        expires_at=expires_at,
    )


def stored_installation(database: Database) -> InstallationRow | None:
    with database.read() as session:
        return session.get(InstallationRow, 77)


def installation(change: str, **more: str) -> InstallationJob:
    return InstallationJob(installation_id=77, account="octo", change=change, guid="g", permissions=more)


def test_a_deleted_installation_is_purged_after_the_retention_period(database: Database) -> None:
    installations.record_installation(database, installation("created", checks="write"), at=NOW)
    installations.record_installation(database, installation("suspend"), at=NOW)
    row = stored_installation(database)
    assert row is not None
    assert (row.state, row.permissions) == ("suspended", {"checks": "write"})
    publish(database, request("a"), FINDING)
    installations.record_installation(database, installation("deleted"), at=NOW)
    purge(database, now=NOW + timedelta(days=29), keep=timedelta(days=30))
    assert load_review(database, request("a").review_id) is not None
    purge(database, now=NOW + timedelta(days=31), keep=timedelta(days=30))
    assert load_review(database, request("a").review_id) is None
    assert stored_installation(database) is None
    with database.read() as session:
        assert session.exec(select(FindingRow)).all() == []


def test_a_reinstalled_installation_keeps_its_data(database: Database) -> None:
    installations.record_installation(database, installation("deleted"), at=NOW)
    installations.record_installation(database, installation("created"), at=NOW + timedelta(days=1))
    publish(database, request("a"), FINDING)
    purge(database, now=NOW + timedelta(days=40), keep=timedelta(days=30))
    assert load_review(database, request("a").review_id) is not None


def test_a_renamed_repository_keeps_its_history(database: Database) -> None:
    publish(database, request("a"), FINDING)
    installations.rename_repository(database, installation_id=77, old="octo/shop", new="octo/store")
    installations.rename_repository(database, installation_id=78, old="octo/store", new="evil/store")
    renamed = PullRequestRef(owner="octo", repo="store", number=7)
    assert open_findings(database, renamed) == (FINDING,)
    assert open_findings(database, REF) == ()


def test_accounts_of_past_budgets_are_deleted(database: Database) -> None:
    with database.write() as session:
        session.add(SpendRow(account="review:r1", spent_usd=1.0, updated_at=NOW))
    purge(database, now=NOW + timedelta(days=61), keep=timedelta(days=30))
    assert load_spend(database) == {"review:r1": 1.0}
    purge(database, now=NOW + timedelta(days=63), keep=timedelta(days=30))
    assert load_spend(database) == {}
