"""Who may command Quorum: people with write access, as the collaborators endpoint says it. Fails closed."""

from collections.abc import Callable
from datetime import datetime, timedelta

from app.domain.publication import Writer

MAY_COMMAND = frozenset({"admin", "write"})  # `maintain` is folded into write by the endpoint that is asked
KEPT_FOR = timedelta(minutes=5)
MOST_KEPT = 10_000


class Permissions:
    """Asks GitHub, and remembers a yes for five minutes; a no may have been a failure and is asked again."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._granted: dict[tuple[str, str], datetime] = {}

    async def may_command(self, writer: Writer, repository: str, login: str) -> bool:
        """Whether this person has write access to the repository."""
        key, now = (repository, login), self._clock()
        granted_at = self._granted.get(key)
        if granted_at is not None and now - granted_at < KEPT_FOR:
            return True
        granted = await writer.permission(login) in MAY_COMMAND
        self._granted.pop(key, None)
        if granted:
            if len(self._granted) >= MOST_KEPT:
                self._granted.clear()
            self._granted[key] = now
        return granted
