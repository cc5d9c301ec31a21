import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import GitHubUnavailable
from app.store.database import Database
from app.store.ledger import Ledger


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


async def test_a_write_that_went_well_is_made_once_and_never_looked_for(database: Database) -> None:
    github, once = GitHub(), Ledger(database, "review")
    ids = [await once("summary", find=github.find, write=github.write) for _ in range(3)]
    assert (ids, github.comments, github.looked) == ([101, 101, 101], ["comment"], 0)


@pytest.mark.parametrize("fault", ["request lost", "answer lost"])
async def test_after_a_lost_answer_or_request_there_is_one_comment(database: Database, fault: str) -> None:
    github = GitHub()
    github.fault = fault
    with pytest.raises(GitHubUnavailable):
        await Ledger(database, "review")("summary", find=github.find, write=github.write)
    github.fault = None
    again = await Ledger(database, "review")("summary", find=github.find, write=github.write)
    assert (again, github.comments, github.looked) == (101, ["comment"], 1)


async def test_reviews_and_keys_do_not_share_their_writes(database: Database) -> None:
    github = GitHub()
    for review in ("one", "two"):
        for key in ("summary", "check"):
            await Ledger(database, review)(key, find=github.find, write=github.write)
    assert (len(github.comments), github.looked) == (4, 0)


@settings(deadline=None)  # each example waits for the disk
@given(faults=st.lists(st.sampled_from([None, "request lost", "answer lost"]), min_size=1, max_size=6))
async def test_whatever_is_lost_there_is_never_more_than_one_comment(
    database_of_the_module: Database, faults: list[str | None]
) -> None:
    github = GitHub()
    once = Ledger(database_of_the_module, f"review-{id(github)}-{len(faults)}-{faults}")
    for fault in [*faults, None]:
        github.fault = fault
        try:
            await once("summary", find=github.find, write=github.write)
        except GitHubUnavailable:
            assert fault is not None
    assert len(github.comments) == 1
