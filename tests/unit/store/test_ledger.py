import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import GitHubUnavailable, StoreUnavailable
from app.store.database import Database
from app.store.ledger import Ledger
from app.store.processes import renew_lease


class GitHub:
    """Takes comments; may lose its answer, or the request."""

    def __init__(self) -> None:
        self.comments: list[str] = []
        self.looked = 0
        self.fault: str | None = None

    async def write(self) -> int:
        if self.fault == "request lost":
            raise GitHubUnavailable("timeout")
        self.comments.append("comment")
        if self.fault == "answer lost":
            raise GitHubUnavailable("timeout")
        return 100 + len(self.comments)

    async def find(self) -> int | None:
        self.looked += 1
        return 100 + len(self.comments) if self.comments else None


async def test_a_successful_write_happens_once_without_a_search(database: Database) -> None:
    github, ledger = GitHub(), Ledger(database, "review")
    ids = [await ledger.write_once("summary", find=github.find, write=github.write) for _ in range(3)]
    assert (ids, github.comments, github.looked) == ([101, 101, 101], ["comment"], 0)


@pytest.mark.parametrize("fault", ["request lost", "answer lost"])
async def test_after_a_lost_response_or_request_there_is_one_comment(database: Database, fault: str) -> None:
    github = GitHub()
    github.fault = fault
    with pytest.raises(GitHubUnavailable):
        await Ledger(database, "review").write_once("summary", find=github.find, write=github.write)
    github.fault = None
    again = await Ledger(database, "review").write_once("summary", find=github.find, write=github.write)
    assert (again, github.comments, github.looked) == (101, ["comment"], 1)


async def test_reviews_and_keys_do_not_share_their_writes(database: Database) -> None:
    github = GitHub()
    for review in ("one", "two"):
        for key in ("summary", "check"):
            await Ledger(database, review).write_once(key, find=github.find, write=github.write)
    assert (len(github.comments), github.looked) == (4, 0)


@settings(deadline=None)  # each example waits for the disk
@given(faults=st.lists(st.sampled_from([None, "request lost", "answer lost"]), min_size=1, max_size=6))
async def test_no_failure_leads_to_more_than_one_comment(
    database_of_the_module: Database, faults: list[str | None]
) -> None:
    github = GitHub()
    ledger = Ledger(database_of_the_module, f"review-{id(github)}-{len(faults)}-{faults}")
    for fault in [*faults, None]:
        github.fault = fault
        try:
            await ledger.write_once("summary", find=github.find, write=github.write)
        except GitHubUnavailable:
            assert fault is not None
    assert len(github.comments) == 1


async def test_a_process_whose_lease_expired_writes_nothing(database: Database) -> None:
    github, ledger = GitHub(), Ledger(database, "review", executor_id="zombie")
    now, ttl = datetime(2026, 11, 22, tzinfo=UTC), timedelta(seconds=15)
    renew_lease(database, "zombie", role="worker", now=now, ttl=ttl)
    assert await ledger.write_once("review", find=github.find, write=github.write) == 101
    renew_lease(database, "other", role="worker", now=now + 2 * ttl, ttl=ttl)
    with pytest.raises(StoreUnavailable):
        await ledger.write_once("summary", find=github.find, write=github.write)
    assert github.comments == ["comment"]


async def test_two_processes_that_write_concurrently_get_the_same_id(any_database: Database) -> None:
    """An old life of a job that is still on its way, and the new one: the second must look, and not fail."""
    github = GitHub()
    writes = (
        Ledger(any_database, "review").write_once("summary", find=github.find, write=github.write)
        for _ in range(8)
    )
    assert len(await asyncio.gather(*writes)) == 8
