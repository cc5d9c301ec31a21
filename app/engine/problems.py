"""Logs why the database holds up all work, once when that begins and once when it is over."""

import asyncio
import logging

from app.errors import StoreUnavailable
from app.store.database import Database

logger = logging.getLogger(__name__)

LOOK_S = 15.0


class ProblemLog:
    """The problem that was logged last."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: str | None = None

    async def look(self) -> None:
        """Log a new problem, or that the last one is over."""
        try:
            problem = await asyncio.to_thread(self._database.problem)
        except StoreUnavailable as error:
            problem = str(error)
        if problem and not self._known:
            logger.error("%s", problem)
        elif self._known and not problem:
            logger.warning("this is over: %s", self._known)
        self._known = problem
