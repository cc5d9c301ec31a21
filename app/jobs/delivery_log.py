"""Reads the App's own delivery log and takes what never arrived; `quorum serve --poll` lives on that log alone.

GitHub sends each webhook once, keeps it for three days and sends it again only when asked. What is found here goes the way of
a webhook that came in, and twice does no harm: a guid is taken once. Never decides what a delivery asks for.

https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
A hook that is switched off leaves no log: https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/troubleshooting-webhooks
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from app.domain.job import Delivery
from app.errors import GitHubNotFound, GitHubRateLimited, QuorumError
from app.github.registration import DeliveryContent, HookDelivery
from app.store.database import Database
from app.store.deliveries import load_known_guids
from app.store.processes import load_live_processes

logger = logging.getLogger(__name__)

KEPT_S = 3 * 86_400.0  # GitHub's own window
OVERLAP_S = 300.0  # read again: attempts are listed when they have ended, which may be late
POLL_S = 10.0
SWEEP_S = 300.0
LONGEST_WAIT_S = 600.0

Sleep = Callable[[float], Awaitable[None]]


class Log(Protocol):
    """What is asked of GitHub: `app.github.registration.AppRegistration`."""

    async def fetch_deliveries(self, *, since: float) -> list[HookDelivery]:
        """Attempts since a time, the newest first."""
        ...

    async def fetch_delivery(self, delivery_id: int) -> DeliveryContent:
        """One attempt with its payload."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What becomes of a delivery: `may_ask` (event, action) leaves out unread, `take` decides and stores."""

    may_ask: Callable[[str, str | None], bool]
    take: Callable[[Delivery, Mapping[str, Any]], Awaitable[bool]]


class DeliveryLog:
    """Catches up with the log, over and over; only the first of the living processes (by name) does it.

    `polls`: no webhook reaches this server, so every delivery is taken. Otherwise those that nobody has answered well.
    """

    def __init__(
        self,
        log: Log,
        database: Database,
        taking: Taking,
        *,
        executor_id: str,
        polls: bool,
        clock: Callable[[], datetime],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._log = log
        self._database = database
        self._taking = taking
        self._executor_id = executor_id
        self._polls = polls
        self._clock = clock
        self._sleep = sleep
        self._read_until = 0.0  # seconds since 1970
        self._settled: dict[str, float] = {}  # guid → when it was delivered, of those that asked for nothing

    async def run(self) -> None:
        """Catch up at once and then again and again; what fails is tried later, and later each time."""
        failures = 0
        while True:
            wait_s = 0.0
            try:
                if await self._is_mine():
                    await self.catch_up()
                failures = 0
            except QuorumError as error:
                failures += 1
                wait_s = error.retry_after_s if isinstance(error, GitHubRateLimited) else 0.0
                logger.warning("the App's delivery log could not be read to its end: %s", error)
            every_s = POLL_S if self._polls else SWEEP_S
            await self._sleep(max(wait_s, min(every_s * 2**failures, max(LONGEST_WAIT_S, every_s))))

    async def catch_up(self) -> int:
        """Take what was missed since the last time, oldest first; the number of jobs that came of it.

        Raises:
            GitHubError, StoreUnavailable: the next time begins where this one did.
        """
        now_s = self._clock().timestamp()
        since_s = max(self._read_until - OVERLAP_S, now_s - KEPT_S)
        self._settled = {guid: at for guid, at in self._settled.items() if at >= since_s}
        attempts = await self._log.fetch_deliveries(since=since_s)
        taken = 0
        for attempt in await self._missed(attempts):
            taken += await self._take(attempt)
        self._read_until = now_s
        if taken:
            logger.info("%d jobs came from the delivery log", taken)
        return taken

    async def _is_mine(self) -> bool:
        living = await asyncio.to_thread(load_live_processes, self._database, now=self._clock())
        return self._executor_id == min(living, default=self._executor_id)

    async def _missed(self, attempts: Sequence[HookDelivery]) -> list[HookDelivery]:
        """One attempt for each guid that nobody here has taken, oldest first."""
        arrived = {attempt.guid for attempt in attempts if attempt.is_ok and not self._polls}
        candidates = {
            attempt.guid: attempt
            for attempt in attempts
            if attempt.guid not in arrived
            and attempt.guid not in self._settled
            and self._taking.may_ask(attempt.event, attempt.action)
        }
        known = await asyncio.to_thread(load_known_guids, self._database, candidates)
        missed = [attempt for guid, attempt in candidates.items() if guid not in known]
        return sorted(missed, key=lambda attempt: (attempt.delivered_at, attempt.id))

    async def _take(self, attempt: HookDelivery) -> bool:
        try:
            content = await self._log.fetch_delivery(attempt.id)
        except GitHubNotFound:
            logger.warning("delivery %s is no longer in the log and is lost", attempt.guid)
            return False
        taken = await self._taking.take(_delivery(attempt), content.payload)
        if not taken:
            self._settled[attempt.guid] = attempt.delivered_at
        return taken


def _delivery(attempt: HookDelivery) -> Delivery:
    received_at = datetime.fromtimestamp(attempt.delivered_at, UTC)
    return Delivery(guid=attempt.guid, event=attempt.event, action=attempt.action, received_at=received_at)
