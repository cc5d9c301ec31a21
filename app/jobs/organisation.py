"""The organisation's default configuration: `.github/quorum.yml` of the owner's `.github` repository, kept ten minutes.

Where it cannot be read there is none: a repository is never held up by another one.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from app.errors import GitHubError

logger = logging.getLogger(__name__)

KEPT_FOR = timedelta(minutes=10)
MOST_KEPT = 10_000

Fetch = Callable[[int, str], Awaitable[bytes | None]]
"""The file of an installation's repository `owner/.github`."""


class OrganisationDefaults:
    """Call it as `app.jobs.access.OrganisationDefault`."""

    def __init__(self, fetch: Fetch, *, clock: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._kept: dict[tuple[int, str], tuple[datetime, bytes | None]] = {}

    async def __call__(self, installation_id: int, owner: str) -> bytes | None:
        """The file's content, at most ten minutes old; None: there is none to be had."""
        key, now = (installation_id, owner.lower()), self._clock()
        kept = self._kept.get(key)
        if kept is not None and now - kept[0] < KEPT_FOR:
            return kept[1]
        try:
            content = await self._fetch(installation_id, f"{owner}/.github")
        except GitHubError as error:
            logger.info("no organisation default for %s: %s", owner, error)
            content = kept[1] if kept else None
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (now, content)
        return content
