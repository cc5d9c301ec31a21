"""Check runs that another review has begun on a head and not ended."""

from datetime import UTC, datetime
from pathlib import Path

from app.domain.finding import Stage
from app.domain.pull_request import PullRequestRef
from app.jobs.check_runs import adopt_open
from app.store.database import Database
from app.store.job_tables import WriteRow
from app.store.ledger import Begun, load_begun
from app.store.review_tables import ReviewRow

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
REF = PullRequestRef(owner="octo", repo="shop", number=7)
HEAD = "a" * 40


def database(folder: Path, *, of: PullRequestRef = REF) -> Database:
    """The review `waits` has begun two check runs, and ended that of `docs`."""
    store = Database(f"sqlite:///{folder}/quorum.db")
    with store.write() as session:
        session.add(
            ReviewRow(
                id="waits",
                installation_id=1,
                repository=of.repository,
                pull_request=of.number,
                trigger="opened",
                status="queued",
                created_at=AT,
            )
        )
        written = {"start:review": 1, "start:security": None, "start:docs": 3, "check:docs": 3}
        for key, github_id in written.items():
            session.add(WriteRow(review_id=f"waits@{HEAD}", key=key, github_id=github_id, begun_at=AT))
    return store


async def adopted(store: Database, *stages: Stage) -> dict[str, Begun]:
    await adopt_open(store, REF, stages, review_id="mine", head_sha=HEAD)
    return load_begun(store, "mine@").get(f"mine@{HEAD}", {})


async def test_a_review_continues_with_open_check_runs(tmp_path: Path) -> None:
    store = database(tmp_path)
    begun = {"start:review": Begun(github_id=1), "start:security": Begun(github_id=None)}
    assert await adopted(store, *Stage) == begun
    assert set(load_begun(store, "waits@")[f"waits@{HEAD}"]) == {"start:docs", "check:docs"}


async def test_a_review_of_one_stage_does_not_adopt_other_check_runs(tmp_path: Path) -> None:
    store = database(tmp_path)
    assert set(await adopted(store, Stage.SECURITY)) == {"start:security"}
    assert "start:review" in load_begun(store, "waits@")[f"waits@{HEAD}"]


async def test_a_reviews_own_check_runs_are_not_replaced(tmp_path: Path) -> None:
    store = database(tmp_path)
    with store.write() as session:
        session.add(WriteRow(review_id=f"mine@{HEAD}", key="start:review", github_id=9, begun_at=AT))
    assert (await adopted(store, Stage.REVIEW))["start:review"] == Begun(github_id=9)


async def test_another_pull_request_with_the_same_head_keeps_its_check_runs(tmp_path: Path) -> None:
    store = database(tmp_path, of=PullRequestRef(owner="octo", repo="shop", number=8))
    assert await adopted(store, *Stage) == {}
