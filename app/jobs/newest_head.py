"""Whether a review is still about the newest head, though the webhook of another one came later. Writes nothing to GitHub.

Webhooks come in any order: the review of one push may have read, and begun check runs on, the head of the last one before
the webhooks of the pushes between have come. GitHub's own word settles it, and a review that stands is not done again.
"""

import asyncio
from dataclasses import dataclass

from app.jobs.failure import request_of
from app.jobs.review import ReviewHandler
from app.store.review_tables import ReviewRow
from app.store.reviews import load_reviews_of_delivery, record_head_confirmed


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestHead:
    """Checks the heads of running reviews (`app.engine.handlers.HeadChecker`)."""

    review: ReviewHandler

    async def is_newest_head(self, guid: str) -> bool:
        """Whether GitHub still names the head that the delivery's review has read; False where it has read none.

        Raises:
            GitHubError, StoreUnavailable
        """
        rows = await asyncio.to_thread(load_reviews_of_delivery, self.review.database, guid)
        return bool(rows) and all([await self._stands(row) for row in rows])

    async def _stands(self, row: ReviewRow) -> bool:
        if row.head_read_at is None:
            return False
        now = self.review.clock()
        access = self.review.open_pull_request(
            request_of(row).ref, installation_id=row.installation_id, ledger=row.id
        )
        if await access.writer.head_sha() != row.head_sha:
            return False
        await asyncio.to_thread(record_head_confirmed, self.review.database, row.id, read_at=now)
        return True
