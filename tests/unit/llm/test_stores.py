"""The model layer's tables, on a real SQLite: rows, the per-model table, answers by tenant, records for the learned order."""

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session, delete

from app.domain.model_call import (
    Booking,
    CachedAnswer,
    CallEntry,
    ModelCall,
    Outcome,
    Provider,
    ProviderRecord,
    Usage,
)
from app.errors import StoreUnavailable
from app.llm.build import ModelEnvironment, ModelSettings, ModelStores, build_models
from app.llm.client import RoutingRequest
from app.store.call_tables import ModelCallRow
from app.store.calls import CallTables, delete_expired_answers, load_answers, record_call
from app.store.database import Database
from app.store.model_calls import CallDimension, load_stats, load_usage, row_of
from app.store.review_tables import FindingRow, RejectionRow, ReviewRow
from app.store.routing import RoutingTable, load_provider_records
from tests.databases import load_spend
from tests.fakes.vendors import FakeVendors, Fault
from tests.unit.llm.harness import CALL, SCOPE, START, parse, request

CLAUDE, GPT = Provider.CLAUDE, Provider.GPT


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'quorum.db'}")


def record(database: Database, call: ModelCall) -> None:
    record_call(database, CallEntry(call=call))


async def test_asking_with_the_database_leaves_rows_answers_and_spend(database: Database) -> None:
    vendors = FakeVendors()
    models = build_models(
        ModelSettings(access=vendors.access()),
        ModelEnvironment(
            stores=ModelStores(calls=CallTables(database), records=RoutingTable(database)),
            http_client=vendors.http_client(),
        ),
    )
    vendors.fail(CLAUDE, Fault.OVERLOADED, times=1)
    questions = [
        models.ask(RoutingRequest(kind="review"), request(), scope=SCOPE, parse=parse) for _ in range(5)
    ]
    await asyncio.gather(*questions)
    assert len(vendors.requests) == 2
    total = await models.usage("r1")
    assert total.calls == 2
    assert total.cost_usd > 0
    stats = {line.provider: line for line in load_stats(database, datetime.now(UTC) - timedelta(hours=1))}
    assert (stats["claude"].calls, stats["claude"].success_rate) == (1, 0.0)
    assert (stats["gpt"].calls, stats["gpt"].cache_hits, stats["gpt"].success_rate) == (1, 4, 1.0)


def test_usage_excludes_calls_that_were_never_sent(database: Database) -> None:
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"outcome": Outcome.CACHE_HIT, "usage": Usage(), "cost_usd": 0.0},
        {"outcome": Outcome.OVER_BUDGET, "usage": Usage(), "cost_usd": 0.0},
        {"outcome": Outcome.TIMEOUT, "usage": Usage(), "cost_usd": None},
        {"review_id": "another"},
    )
    for index, change in enumerate(changes):
        record(database, replace(CALL, id=f"c{index}", **change))
    total = load_usage(database, "r1")
    assert (total.calls, total.input_tokens, total.cached_input_tokens, total.output_tokens) == (
        2,
        1_000,
        400,
        50,
    )
    assert (total.cost_usd, total.unpriced_calls) == (pytest.approx(0.01), 1)
    assert load_usage(database, "nobody").calls == 0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return Database(f"sqlite:///{tmp_path_factory.mktemp('stats') / 'quorum.db'}")


@settings(max_examples=25, deadline=None)
@given(
    latencies=st.lists(st.integers(0, 10_000), min_size=1, max_size=40),
    by=st.sampled_from([(), (CallDimension.STAGE,)]),
)
def test_percentiles_use_the_nearest_rank(
    latencies: list[int], by: tuple[CallDimension, ...], shared: Database
) -> None:
    with shared.write() as session:
        session.exec(delete(ModelCallRow))
        session.add_all(
            ModelCallRow(**row_of(replace(CALL, id=f"c{index}", latency_ms=latency_ms)))
            for index, latency_ms in enumerate(latencies)
        )
    (line,) = load_stats(shared, START, by=by)
    ordered = sorted(latencies)
    assert line.p50_ms == ordered[max(0, math.ceil(len(ordered) * 0.5) - 1)]
    assert line.p95_ms == ordered[max(0, math.ceil(len(ordered) * 0.95) - 1)]
    assert line.average_ms == pytest.approx(sum(ordered) / len(ordered))


def test_the_table_splits_by_stage_repository_and_day(database: Database) -> None:
    rng = Random(4)
    calls = [
        replace(
            CALL,
            id=f"c{index}",
            provider=rng.choice((CLAUDE, GPT)),
            stage=rng.choice(("review", "security")),
            repository=rng.choice(("octo/shop", "octo/api", None)),
            outcome=rng.choice((Outcome.OK, Outcome.OK, Outcome.REFUSED, Outcome.CACHE_HIT)),
            started_at=START + timedelta(days=rng.randrange(3)),
        )
        for index in range(200)
    ]
    with database.write() as session:
        session.add_all(ModelCallRow(**row_of(call)) for call in calls)
    lines = load_stats(database, START, by=tuple(CallDimension))
    assert {(line.provider, line.stage, line.repository, line.day) for line in lines} == {
        (call.provider, call.stage, call.repository or "", f"{call.started_at:%Y-%m-%d}") for call in calls
    }
    assert sum(line.calls + line.cache_hits for line in lines) == 200
    assert sum(line.succeeded for line in lines) == sum(call.outcome is Outcome.OK for call in calls)
    assert load_stats(database, START + timedelta(days=9)) == []


def test_a_model_that_was_only_answered_from_the_cache_has_no_latency(database: Database) -> None:
    record(database, replace(CALL, outcome=Outcome.CACHE_HIT, usage=Usage(), cost_usd=0.0))
    (line,) = load_stats(database, START)
    assert (line.calls, line.success_rate, line.average_ms, line.p50_ms) == (0, None, None, None)


ANSWER = CachedAnswer(
    installation_id=7,
    repository="octo/shop",
    key="k",
    provider=CLAUDE,
    model="claude-sonnet-5-5",
    prompt_id="review/user",
    prompt_version="3",
    value={"findings": [{"title": "ü\u0000"}]},
    usage=CALL.usage,
    created_at=START,
    expires_at=START + timedelta(days=7),
)


def test_a_call_without_a_row_keeps_no_answer_and_books_nothing(any_database: Database) -> None:
    booking = Booking(accounts=("review:r1",), difference_usd=0.1)
    record_call(any_database, CallEntry(call=CALL, booking=booking))
    with pytest.raises(Exception, match=r"(?i)unique"):  # the same row again
        record_call(any_database, CallEntry(call=CALL, booking=booking, answer=ANSWER))
    assert load_answers(any_database, 7, "octo/shop", ["k"], now=START) == {}
    assert load_spend(any_database) == {"review:r1": 0.1}


def keep(database: Database, answer: CachedAnswer) -> None:
    record_call(database, CallEntry(call=replace(CALL, id=uuid4().hex), answer=answer))


def test_an_answer_is_found_only_by_its_tenant_and_until_it_expires(database: Database) -> None:
    keep(database, ANSWER)
    assert load_answers(database, 7, "octo/shop", ["k", "other"], now=START) == {"k": ANSWER}
    assert load_answers(database, 8, "octo/shop", ["k"], now=START) == {}
    assert load_answers(database, 7, "octo/other", ["k"], now=START) == {}
    assert load_answers(database, 7, "octo/shop", ["k"], now=ANSWER.expires_at) == {}


def test_the_newest_answer_for_a_key_is_kept(database: Database) -> None:
    keep(database, ANSWER)
    newer = replace(ANSWER, value=[], expires_at=START + timedelta(days=9))
    keep(database, newer)
    assert load_answers(database, 7, "octo/shop", ["k"], now=START) == {"k": newer}
    assert delete_expired_answers(database, now=START + timedelta(days=8)) == 0
    assert delete_expired_answers(database, now=START + timedelta(days=9)) == 1


def finding(index: int, **changes: Any) -> FindingRow:
    fields: dict[str, Any] = {
        "id": f"f{index}",
        "review_id": "r1",
        "installation_id": 7,
        "repository": "octo/shop",
        "pull_request": 3,
        "fingerprint": f"fp{index}",
        "stage": "review",
        "severity": "high",
        "path": "a.py",
        "line": 1,
        "start_line": 1,
        "side": "RIGHT",
        "found_by": ["claude:m"],
        "placement": "inline",
        "rule_id": "bug",
        "title": "t",
        "explanation": "e",
        "created_at": START + timedelta(seconds=index),
    }
    return FindingRow(**{**fields, **changes})


def rejection(index: int, reason: str) -> RejectionRow:
    return RejectionRow(
        id=f"x{index}",
        review_id="r1",
        stage="review",
        severity="high",
        rule_id="bug",
        path="a.py",
        line=1,
        title="t",
        reason=reason,
        found_by=["claude:m"],
        created_at=START + timedelta(seconds=index),
    )


def add_review(session: Session) -> None:
    session.add(
        ReviewRow(
            id="r1",
            installation_id=7,
            repository="octo/shop",
            pull_request=3,
            trigger="opened",
            status="completed",
            created_at=START,
        )
    )
    session.flush()


def test_the_records_count_confirmed_and_refuted_findings(any_database: Database) -> None:
    database = any_database
    record(database, CALL)
    record(database, replace(CALL, id="c2", outcome=Outcome.REFUSED, latency_ms=5))
    record(database, replace(CALL, id="c3", outcome=Outcome.CACHE_HIT))
    record(database, replace(CALL, id="c4", stage="verify"))
    with database.write() as session:
        add_review(session)
        session.add_all(
            [
                finding(1, confirmed_by=["gpt:m"]),
                finding(2, outcome="resolved", found_by=["claude:m", "gemini:m", "analyzers:ruff"]),
                finding(3, outcome="dismissed", confirmed_by=["gpt:m"]),
                finding(4),  # nothing is known yet
                rejection(1, "Refuted by gpt:m: there is a check."),
                rejection(2, "Below the configured minimum severity (high)."),
            ]
        )
    assert load_provider_records(database, START) == [
        ProviderRecord(
            stage="review",
            provider=CLAUDE,
            calls=2,
            answered=1,
            held=2,
            held_alone=1,
            fell=2,
            average_ms=100.0,
            cost_usd=0.02,
        ),
        ProviderRecord(stage="review", provider=Provider.GEMINI, held=1),
    ]


def test_only_the_latest_findings_count(any_database: Database) -> None:
    database = any_database
    with database.write() as session:
        add_review(session)
        session.add_all([finding(index, outcome="resolved") for index in range(100)])
        session.add_all([finding(index, outcome="dismissed") for index in range(100, 190)])
    (record,) = load_provider_records(database, START)
    assert (record.held, record.fell) == (10, 90)


def test_a_call_that_cannot_be_stored_is_reported_and_the_next_is_stored(database: Database) -> None:
    with database.read() as session:
        session.connection().exec_driver_sql("PRAGMA query_only=ON")
    with pytest.raises(StoreUnavailable, match="is unavailable: attempt to write a readonly"):
        record(database, CALL)
    with database.read() as session:
        session.connection().exec_driver_sql("PRAGMA query_only=OFF")
    record(database, CALL)
    assert load_usage(database, "r1").calls == 1


def test_calls_of_many_threads_are_all_stored_and_booked(any_database: Database) -> None:
    booking = Booking(accounts=("review:r1", "installation:7:2026-11"), difference_usd=0.01)
    entries = [CallEntry(call=replace(CALL, id=f"c{index}"), booking=booking) for index in range(60)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(partial(record_call, any_database), entries))
    assert load_usage(any_database, "r1").calls == 60
    assert load_spend(any_database, "review:")["review:r1"] == pytest.approx(0.6)


def test_a_recorded_call_loads_unchanged(any_database: Database) -> None:
    call = replace(CALL, error="ü\udc80", repository="octo/\udcff", cost_usd=None)
    record_call(any_database, CallEntry(call=call))
    with any_database.read() as session:
        row = session.get_one(ModelCallRow, call.id)
    assert row.model_dump() == row_of(call)
