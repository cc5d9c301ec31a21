"""What happens to installations: recorded; a renamed or transferred repository keeps what is remembered of it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.domain.job import InstallationJob
from app.domain.step import Step
from app.github.client import REVIEW_PERMISSIONS
from app.store.database import Database
from app.store.installations import record_installation, rename_repository, transfer_repository

logger = logging.getLogger(__name__)

MOVES = frozenset({"renamed", "transferred"})
_LEVELS = ("", "read", "write", "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationDoor:
    """Does installation jobs."""

    database: Database
    clock: Callable[[], datetime]

    async def __call__(self, job: InstallationJob, step: Step) -> None:
        """Record the change."""
        await step("record", lambda: asyncio.to_thread(self._record, job), type(None))

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
        record_installation(self.database, job, at=self.clock())
        if lacking := missing_permissions(job.permissions):
            logger.warning("the installation on %s lacks %s", job.account, ", ".join(lacking))


def missing_permissions(granted: dict[str, str]) -> list[str]:
    """The permissions that a review needs and an owner has not granted; nothing where GitHub did not tell any."""
    if not granted:
        return []
    return [
        f"{name}: {level}"
        for name, level in REVIEW_PERMISSIONS.items()
        if _LEVELS.index(granted.get(name, "")) < _LEVELS.index(level)
    ]
