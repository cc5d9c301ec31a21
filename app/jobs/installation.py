"""Records changes of installations. A renamed or transferred repository keeps its history."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.domain.job import InstallationJob
from app.domain.step import Checkpoint, Step
from app.github.auth import REVIEW_PERMISSIONS, lacking_permissions
from app.publish.wording import describe_disabled
from app.store.database import Database
from app.store.installations import (
    record_installation,
    record_out_of_reach,
    rename_repository,
    transfer_repository,
)

logger = logging.getLogger(__name__)

MOVES = frozenset({"renamed", "transferred"})


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationHandler:
    """Handles installation jobs."""

    database: Database
    clock: Callable[[], datetime]
    forget: Callable[[int], None] = lambda _: None  # deletes an installation's cached tokens

    async def handle(self, job: InstallationJob, step: Step) -> None:
        """Record the change."""
        await step(Checkpoint("record", type(None)), lambda: asyncio.to_thread(self._record, job))

    def _record(self, job: InstallationJob) -> None:
        if job.change in MOVES and job.previous_repository and job.repositories:
            move = transfer_repository if job.change == "transferred" else rename_repository
            move(
                self.database,
                installation_id=job.installation_id,
                old=job.previous_repository,
                new=job.repositories[0],
            )
            return
        if job.change == "removed":
            record_out_of_reach(self.database, job.installation_id, job.repositories, at=self.clock())
        record_installation(self.database, job, at=self.clock())
        self.forget(job.installation_id)
        if lacking := missing_permissions(job.permissions):
            logger.warning(
                "the installation on %s lacks permissions: %s", job.account, describe_disabled(lacking)
            )


def missing_permissions(granted: Mapping[str, str]) -> dict[str, str]:
    """Return the permissions that a review needs and the owner did not grant; none if GitHub listed none."""
    return lacking_permissions(REVIEW_PERMISSIONS, granted) if granted else {}
