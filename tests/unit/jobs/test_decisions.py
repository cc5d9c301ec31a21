"""Who may command, what is remembered of it, and what is learned."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from app.domain.publication import Writer
from app.errors import GitHubUnavailable
from app.github.auth import REVIEW_PERMISSIONS
from app.jobs.experience import is_near, normalised
from app.jobs.installation import missing_permissions
from app.jobs.organisation import OrganisationDefaults
from app.jobs.permission import Permissions


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Collaborators:
    """The one question of a writer that is asked here."""

    def __init__(self) -> None:
        self.level = "write"
        self.asked = 0

    async def permission(self, login: str) -> str:
        assert login
        self.asked += 1
        return self.level


async def test_a_yes_is_remembered_for_five_minutes_and_a_no_not_at_all() -> None:
    clock, people = Clock(), Collaborators()
    permissions, writer = Permissions(clock), cast("Writer", cast("Any", people))

    async def may() -> bool:
        return await permissions.may_command(writer, "octo/shop", "alice")

    assert await may()
    people.level = "none"
    clock.now += timedelta(minutes=4)
    assert await may()
    assert people.asked == 1
    clock.now += timedelta(minutes=2)
    assert not await may()
    assert not await may()
    assert people.asked == 3


async def test_the_organisations_default_is_read_every_ten_minutes_and_kept_through_an_outage() -> None:
    clock = Clock()
    answers: list[bytes | GitHubUnavailable] = [b"gate: high", GitHubUnavailable("down")]

    async def fetch(installation_id: int, repository: str) -> bytes | None:
        assert (installation_id, repository) == (7, "octo/.github")
        answer = answers.pop(0)
        if isinstance(answer, GitHubUnavailable):
            raise answer
        return answer

    default = OrganisationDefaults(fetch, clock=clock)
    assert await default(7, "octo") == b"gate: high"
    clock.now += timedelta(minutes=9)
    assert await default(7, "octo") == b"gate: high"
    clock.now += timedelta(minutes=2)
    assert await default(7, "octo") == b"gate: high"
    assert answers == []


def test_missing_permissions_are_named() -> None:
    granted = dict(REVIEW_PERMISSIONS)
    assert missing_permissions(granted) == {}
    assert missing_permissions(granted | {"checks": "read"}) == {"checks": "write"}
    assert missing_permissions({}) == {}


@given(st.text(max_size=60))
def test_code_is_near_to_itself_however_it_is_spaced(text: str) -> None:
    one = normalised(text)
    assert normalised(f"  {one}\n") == one
    assert is_near(one, one) == bool(one)


def test_near_is_nearly_the_same_words() -> None:
    one = normalised("cursor.execute('SELECT * FROM users WHERE id = ' + id)")
    assert is_near(one, normalised("cursor.execute('SELECT * FROM orders WHERE id = ' + id)"))
    assert not is_near(one, normalised("cursor.fetchall(limit)"))
