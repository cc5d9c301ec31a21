import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dashboard.charts import overview_charts
from app.dashboard.formats import ago, compact, milliseconds, number, percent, ticks, usd, wilson_interval
from app.domain.model_call import Booking
from app.domain.viewer import OPERATOR
from app.store.call_tables import SpendRow
from app.store.calls import book_spend, record_reservation
from app.store.dashboard.comparison import load_records, load_repositories
from app.store.dashboard.overview import load_overview
from app.store.dashboard.time_series import Bucket, bucket_names
from app.store.database import Database
from app.store.model_calls import load_stats
from tests.unit.dashboard.world import (
    NOW,
    Site,
    add,
    call_row,
    finding_row,
    rejection_row,
    review_row,
)

SINCE = NOW - timedelta(days=7)


def test_the_overview_counts_reviews_calls_and_findings(any_database: Database) -> None:
    spoke, silent = review_row("spoke"), review_row("silent", at=NOW - timedelta(days=3))
    outcomes = ("resolved", "resolved", "dismissed", "open", None)
    findings = [finding_row(spoke, f"f{place}", outcome=outcome) for place, outcome in enumerate(outcomes)]
    add(any_database, spoke, *findings)
    add(any_database, silent)
    add(any_database, review_row("failed", status="failed"))
    add(any_database, review_row("old", at=NOW - timedelta(days=8)))
    overview = load_overview(any_database, OPERATOR, since=SINCE, bucket=Bucket.DAY)
    assert (overview.review_count, overview.completed, overview.silent) == (3, 2, 1)
    assert (overview.finding_count, overview.resolved, overview.decided) == (5, 2, 3)


def test_a_finding_of_two_reviews_counts_once(any_database: Database) -> None:
    for review_id in ("first", "second"):
        review = review_row(review_id)
        add(any_database, review, finding_row(review, "same", outcome="resolved"))
    overview = load_overview(any_database, OPERATOR, since=SINCE, bucket=Bucket.DAY)
    assert (overview.finding_count, overview.resolved) == (1, 1)
    (record,) = load_records(any_database, OPERATOR, since=SINCE)
    assert (record.shown, record.resolved) == (1, 1)


def test_a_finding_of_shadow_reviews_does_not_count_as_posted(any_database: Database) -> None:
    shadow, seen = review_row("shadow"), review_row("seen")
    unseen = [finding_row(shadow, "a", outcome="resolved"), finding_row(shadow, "both")]
    for finding in unseen:
        finding.shown = False
    add(any_database, shadow, *unseen)
    add(any_database, seen, finding_row(seen, "both", outcome="open"))
    overview = load_overview(any_database, OPERATOR, since=SINCE, bucket=Bucket.DAY)
    assert (overview.finding_count, overview.resolved, overview.silent) == (1, 0, 0)
    (record,) = load_records(any_database, OPERATOR, since=SINCE)
    assert (record.shown, record.resolved) == (1, 0)


@pytest.mark.parametrize("bucket", Bucket)
def test_the_models_of_the_overview_equal_the_statistics(any_database: Database, bucket: Bucket) -> None:
    for day in range(3):
        review = review_row(f"r{day}", at=NOW - timedelta(days=day))
        calls = [
            call_row(
                review,
                f"c{place}",
                source=("claude:opus", "gpt:sol")[place % 2],
                outcome=("ok", "ok", "timeout", "cache_hit", "over_budget")[place % 5],
                latency_ms=(day + 1) * (100 + 37 * place % 11),
                cost_usd=None if place == 4 else 0.01 * place,
            )
            for place in range(9)
        ]
        add(any_database, review, *calls)
    overview = load_overview(any_database, OPERATOR, since=SINCE, bucket=bucket)
    expected = load_stats(any_database, SINCE)
    assert [(model.provider, model.calls) for model in overview.models] == [
        (model.provider, model.calls) for model in expected
    ]
    for shown, stats in zip(overview.models, expected, strict=True):
        assert shown.cost_usd == pytest.approx(stats.cost_usd)
        assert shown.average_ms == pytest.approx(stats.average_ms)
        for name in (
            "succeeded",
            "cache_hits",
            "over_budget",
            "p50_ms",
            "p95_ms",
            "input_tokens",
            "unpriced_calls",
        ):
            assert getattr(shown, name) == getattr(stats, name), name


@pytest.mark.parametrize(("bucket", "points"), [(Bucket.DAY, 8), (Bucket.HOUR, 169)])
def test_a_chart_has_a_point_for_every_day_or_hour(
    any_database: Database, bucket: Bucket, points: int
) -> None:
    review = review_row(at=NOW - timedelta(days=2))
    add(any_database, review, call_row(review))
    overview = load_overview(any_database, OPERATOR, since=SINCE, bucket=bucket)
    reviews, cost, latency, success = overview_charts(overview, bucket_names(SINCE, NOW, bucket))
    for chart in (reviews, cost, latency, success):
        assert len(chart.x) == len(chart.labels) == points
        assert len(chart.series) == 1
    assert [value for value in cost.series[0].values if value] == [0.01]
    assert cost.series[0].values.count(0.0) == points - 1
    assert [value for value in latency.series[0].values if value is not None] == [1_000]
    (at,) = [x for x, value in zip(reviews.x, reviews.series[0].values, strict=True) if value]
    assert 0 <= (NOW - timedelta(days=2)).timestamp() - at < bucket.length.total_seconds()


def test_models_are_compared_by_the_outcomes_of_their_findings(any_database: Database) -> None:
    review = review_row()
    both = finding_row(
        review, "both", found_by=["claude:opus", "gpt:sol"], confirmed_by=[], outcome="resolved"
    )
    alone = finding_row(review, "alone", outcome="dismissed")
    alone.reactions_down = 2
    rejected = rejection_row(review)
    calls = [call_row(review, "c1", cost_usd=0.06), call_row(review, "c2", source="gpt:sol", cost_usd=None)]
    add(any_database, review, both, alone, rejected, *calls)
    claude, gpt = load_records(any_database, OPERATOR, since=SINCE)
    assert (claude.source, claude.shown, claude.confirmed, claude.refuted) == ("claude:opus", 2, 2, 1)
    assert (claude.resolved, claude.decided, claude.thumbs_down) == (1, 2, 2)
    assert claude.usd_per_resolved == pytest.approx(0.06)
    assert (gpt.shown, gpt.resolved, gpt.unpriced_calls, gpt.usd_per_resolved) == (1, 1, 1, None)


def test_a_repository_shows_the_spending_of_the_month(any_database: Database) -> None:
    add(any_database, review_row())
    with any_database.write() as session:
        for account, spent, limit in (
            ("repository:7:octo/shop:2026-11", 12.5, 20.0),
            ("repository:8:octo/shop:2026-11", 99.0, None),
        ):
            session.add(SpendRow(account=account, spent_usd=spent, limit_usd=limit, updated_at=NOW))
    (line,) = load_repositories(any_database, OPERATOR, since=SINCE, now=NOW)
    assert (line.repository, line.reviews, line.cost_usd) == ("octo/shop", 1, 0.05)
    assert (line.month_usd, line.limit_usd) == (12.5, 20.0)


def test_the_limit_is_recorded_and_the_actual_cost_does_not_change_it(
    any_database: Database,
) -> None:
    add(any_database, review_row())
    account = f"repository:7:octo/shop:{NOW:%Y-%m}"
    assert record_reservation(any_database, {account: 20.0}, 1.0) is None
    assert record_reservation(any_database, {account: 5.0}, 1.0) is None
    with any_database.driver(writes=True) as driver:
        book_spend(driver, Booking(accounts=(account,), difference_usd=-0.5), at=NOW)
    (line,) = load_repositories(any_database, OPERATOR, since=SINCE, now=NOW)
    assert (line.month_usd, line.limit_usd) == (1.5, 5.0)


def test_the_interval_matches_published_examples() -> None:
    low, high = wilson_interval(9, 10) or (0, 0)
    assert (round(low, 3), round(high, 3)) == (0.596, 0.982)
    assert wilson_interval(0, 0) is None


@given(whole=st.integers(1, 5_000), share=st.floats(0, 1))
def test_an_interval_contains_its_share_and_stays_between_0_and_1(whole: int, share: float) -> None:
    part = round(whole * share)
    low, high = wilson_interval(part, whole) or (1, 0)
    assert 0 <= low <= part / whole + 1e-9
    assert part / whole - 1e-9 <= high <= 1


def test_figures_are_formatted_for_people() -> None:
    assert [usd(value) for value in (None, 0, 0.03124, 0.8, 12.4, 1_204.4)] == [
        "–", "$0.00", "$0.03", "$0.80", "$12.40", "$1,204.40",
    ]  # fmt: skip
    assert [compact(value) for value in (0, 999, 999.6, 12_345, 4_600_000)] == [
        "0",
        "999",
        "1.0k",
        "12.3k",
        "4.6M",
    ]
    assert [percent(1, 3), percent(0, 0), percent(0.5), percent(None)] == ["33%", "–", "50%", "–"]
    assert [milliseconds(value) for value in (None, 640, 4_230, 59_960, 200_000)] == [
        "–", "640 ms", "4.2 s", "1 min 0 s", "3 min 20 s",
    ]  # fmt: skip
    assert [number(None), number(12_345.4)] == ["–", "12,345"]
    spans = (timedelta(seconds=20), timedelta(minutes=5), timedelta(hours=30), timedelta(days=12))
    assert [ago(NOW - span, NOW) for span in spans] == ["just now", "5 min ago", "30 h ago", "12 d ago"]


@given(st.floats(0.001, 1e9))
def test_an_axis_has_a_few_round_ticks(total: float) -> None:
    marks = ticks(total)
    assert 2 <= len(marks) <= 6
    assert marks[0] == 0
    assert marks[-1] <= total * (1 + 1e-9)


async def test_the_operator_sees_the_learned_order(any_database: Database) -> None:
    review = review_row()
    held = finding_row(review, "held", found_by=["gpt:sol"], confirmed_by=[], outcome="resolved")
    fell = finding_row(review, "fell", found_by=["claude:opus"], confirmed_by=[], outcome="dismissed")
    calls = [call_row(review, "c1"), call_row(review, "c2", source="gpt:sol")]
    add(any_database, review, held, fell, *calls)
    async with Site(database=any_database).browser() as browser:
        page = (await browser.get("/models")).text
    order = page.partition("Learned order</h2>")[2]
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in order.split("<tr>")[2:]]
    assert [row[:3] for row in rows] == [["review", "1", "GPT"], ["review", "2", "Claude"]]
    assert " ".join(rows[0]).startswith("review 1 GPT 1 100% (16% to 99%) 1 100% (16% to 99%)")
