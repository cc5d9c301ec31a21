import asyncio
import threading
from dataclasses import asdict
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.dashboard.charts import build_timeline
from app.dashboard.live import MAX_EVENTS, MAX_REVIEWS, ReviewBroadcast, TimedEvent
from app.domain.review import StationEvent, StationState, StationTime
from app.store.database import Database
from app.store.review_tables import ReviewRow
from tests.unit.dashboard.world import NOW, Site, add, call_row, review_row


def event(
    station: str = "gather",
    state: StationState = StationState.STARTED,
    *,
    review_id: str = "r1",
    duration_ms: int | None = None,
) -> StationEvent:
    return StationEvent(review_id=review_id, station=station, state=state, duration_ms=duration_ms)


async def test_an_event_wakes_only_the_subscribers_of_its_review() -> None:
    live = ReviewBroadcast()
    with live.subscribe("r1") as mine, live.subscribe("r2") as others:
        live.publish(event())
        await mine.wait(timeout_s=30)
        await others.wait(timeout_s=0)
    assert [seen.event for seen in live.progress("r1")] == [event()]
    assert live.progress("r2") == ()


async def test_an_event_from_another_thread_wakes_subscribers() -> None:
    live = ReviewBroadcast()
    with live.subscribe("r1") as bell:
        thread = threading.Thread(target=live.publish, args=(event(),))
        thread.start()
        await bell.wait(timeout_s=30)
        thread.join()


def test_the_number_of_kept_events_is_limited() -> None:
    live = ReviewBroadcast()
    for number in range(MAX_REVIEWS + 5):
        live.publish(event(review_id=f"r{number}"))
    for _ in range(MAX_EVENTS + 5):
        live.publish(event(review_id="chatty"))
    assert live.progress("r0") == ()
    assert len(live.progress("chatty")) == MAX_EVENTS


async def test_a_running_review_streams_its_page_until_it_is_done(database: Database) -> None:
    add(database, review_row(status="running"))
    site = Site(database=database)

    async def finish() -> None:
        site.live.publish(event("analyze"))
        await asyncio.to_thread(end_review)

    def end_review() -> None:
        with database.write() as session:
            session.get_one(ReviewRow, "r1").status = "completed"
        site.live.publish(event("analyze", StationState.FINISHED, duration_ms=5))

    async with site.browser() as browser, asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(browser.get("/reviews/r1/events"))
        tasks.create_task(finish())
    answer = asked.result()
    assert answer.headers["content-type"].startswith("text/event-stream")
    messages = answer.text.split("\n\n")
    assert messages[-2] == "event: done\ndata: done"
    assert all(line.startswith("data: ") for line in messages[0].split("\n"))
    assert "No findings" in messages[-3]


def test_the_timeline_of_a_finished_review_uses_the_stored_stations() -> None:
    review = review_row()
    review.stations = [
        asdict(StationTime(station="gather", started_ms=0, duration_ms=200)),
        asdict(StationTime(station="review", started_ms=200, duration_ms=800)),
    ]
    timeline = build_timeline(review, [call_row(review, latency_ms=600)], (), now=NOW)
    assert [(bar.name, bar.started_ms, bar.duration_ms) for bar in timeline.bars] == [
        ("gather", 0, 200),
        ("review", 200, 800),
        ("review", 0, 600),
    ]
    assert [(bar.left_percent, bar.width_percent) for bar in timeline.bars] == [(0, 20), (20, 80), (0, 60)]


def test_the_timeline_of_a_running_review_uses_its_events() -> None:
    review = review_row(status="running", at=NOW - timedelta(seconds=10))
    told = (
        TimedEvent(event=event("gather"), at=NOW - timedelta(seconds=10)),
        TimedEvent(
            event=event("gather", StationState.FINISHED, duration_ms=4_000), at=NOW - timedelta(seconds=6)
        ),
        TimedEvent(event=event("review"), at=NOW - timedelta(seconds=6)),
        TimedEvent(
            event=event("security", StationState.FAILED, duration_ms=1_000), at=NOW - timedelta(seconds=5)
        ),
    )
    bars = build_timeline(review, [], told, now=NOW).bars
    assert [(bar.name, bar.started_ms, bar.duration_ms, bar.is_running, bar.has_failed) for bar in bars] == [
        ("gather", 0, 4_000, False, False),
        ("review", 4_000, 6_000, True, False),
        ("security", 4_000, 1_000, False, True),
    ]


TIMES = st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), max_size=8)


@given(stations=TIMES, calls=TIMES)
def test_every_bar_lies_within_the_axis(
    stations: list[tuple[int, int]], calls: list[tuple[int, int]]
) -> None:
    review = review_row()
    review.stations = [
        asdict(StationTime(station=f"s{place}", started_ms=start, duration_ms=took))
        for place, (start, took) in enumerate(stations)
    ]
    rows = [call_row(review, f"c{place}", latency_ms=took) for place, (_, took) in enumerate(calls)]
    for row, (start, _) in zip(rows, calls, strict=True):
        row.started_at = review.created_at + timedelta(milliseconds=start - 5_000)
    timeline = build_timeline(review, rows, (), now=NOW)
    assert len(timeline.bars) == len(stations) + len(calls)
    for bar in timeline.bars:
        assert bar.left_percent >= 0
        assert bar.width_percent > 0
        assert bar.left_percent + bar.width_percent <= 100.001
