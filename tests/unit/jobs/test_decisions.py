"""Who may give commands, organization defaults, and learned rules."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from app.domain.publication import Writer
from app.errors import GitHubUnavailable
from app.github.auth import REVIEW_PERMISSIONS
from app.jobs.access import GitHubAccess, OrganizationDefaults, Permissions
from app.jobs.dismissals import is_similar, normalized
from app.jobs.installation import missing_permissions


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Collaborators:
    """A writer that only knows permissions."""

    def __init__(self) -> None:
        self.level = "write"
        self.asked = 0

    async def permission(self, login: str) -> str:
        assert login
        self.asked += 1
        return self.level


async def test_a_granted_permission_is_cached_for_five_minutes_and_a_denial_is_not() -> None:
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


class OrganizationFiles:
    """GitHub that serves one organization's file, then is down."""

    def __init__(self) -> None:
        self.answers: list[bytes | GitHubUnavailable] = [b"gate: high", GitHubUnavailable("down")]

    async def organization_file(self, installation_id: int, owner: str) -> bytes | None:
        assert (installation_id, owner) == (7, "octo")
        answer = self.answers.pop(0)
        if isinstance(answer, GitHubUnavailable):
            raise answer
        return answer


async def test_the_organization_default_is_cached_for_ten_minutes_and_kept_during_an_outage() -> None:
    clock, github = Clock(), OrganizationFiles()
    defaults = OrganizationDefaults(cast("GitHubAccess", cast("Any", github)), clock=clock)
    assert await defaults.load(7, "octo") == b"gate: high"
    clock.now += timedelta(minutes=9)
    assert await defaults.load(7, "octo") == b"gate: high"
    clock.now += timedelta(minutes=2)
    assert await defaults.load(7, "octo") == b"gate: high"
    assert github.answers == []


def test_missing_permissions_are_listed() -> None:
    granted = dict(REVIEW_PERMISSIONS)
    assert missing_permissions(granted) == {}
    assert missing_permissions(granted | {"checks": "read"}) == {"checks": "write"}
    assert missing_permissions({}) == {}


@given(st.text(max_size=60))
def test_whitespace_does_not_matter_for_similarity(text: str) -> None:
    one = normalized(text)
    assert normalized(f"  {one}\n") == one
    assert is_similar(one, one) == bool(one)


def test_code_with_nearly_the_same_words_is_similar() -> None:
    one = normalized("cursor.execute('SELECT * FROM users WHERE id = ' + id)")
    assert is_similar(one, normalized("cursor.execute('SELECT * FROM orders WHERE id = ' + id)"))
    assert not is_similar(one, normalized("cursor.fetchall(limit)"))
