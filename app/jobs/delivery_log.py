"""Reads the App's delivery log at GitHub and accepts deliveries that never arrived; `quorum serve --poll` uses only this log.

GitHub sends each webhook once, keeps it for three days, and sends it again only on request. Deliveries from the log are handled
like webhooks, and a GUID is accepted only once. Never decides what a delivery requests.

https://docs.github.com/en/webhooks/using-webhooks/handling-failed-webhook-deliveries
A disabled webhook has no log: https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/troubleshooting-webhooks
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

KEPT_S = 3 * 86_400.0  # how long GitHub keeps deliveries
OVERLAP_S = 300.0  # is read again, because attempts are listed when they end, which may be late
POLL_S = 10.0
SWEEP_S = 300.0
MAX_WAIT_S = 600.0

Sleep = Callable[[float], Awaitable[None]]


class Log(Protocol):
    """The delivery log at GitHub (`app.github.registration.AppRegistration`)."""

    async def fetch_deliveries(self, *, since: float) -> list[HookDelivery]:
        """Fetch the attempts since a time, newest first."""
        ...

    async def fetch_delivery(self, delivery_id: int) -> DeliveryContent:
        """Fetch one attempt with its payload."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """How deliveries are accepted: `is_relevant` (event, action) filters before the payload is read; `accept` decides and stores."""

    is_relevant: Callable[[str, str | None], bool]
    accept: Callable[[Delivery, Mapping[str, Any]], Awaitable[bool]]


class DeliveryLog:
    """Catches up with the log periodically; only the first of the live processes (by name) does so.

    `polls`: no webhook reaches this server, so every delivery is accepted. Otherwise only those without a successful attempt.
    """

    def __init__(
        self,
        log: Log,
        database: Database,
        acceptance: Acceptance,
        *,
        executor_id: str,
        polls: bool,
        clock: Callable[[], datetime],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._log = log
        self._database = database
        self._acceptance = acceptance
        self._executor_id = executor_id
        self._polls = polls
        self._clock = clock
        self._sleep = sleep
        self._read_until = 0.0  # seconds since 1970
        self._settled: dict[str, float] = {}  # GUID → time of delivery, for deliveries that requested nothing

    async def run(self) -> None:
        """Catch up now and then periodically; after failures, wait longer each time."""
        failures = 0
        while True:
            wait_s = 0.0
            try:
                if await self._is_responsible():
                    await self.catch_up()
                failures = 0
            except QuorumError as error:
                failures += 1
                wait_s = error.retry_after_s if isinstance(error, GitHubRateLimited) else 0.0
                logger.warning("cannot read the App's delivery log completely: %s", error)
            every_s = POLL_S if self._polls else SWEEP_S
            await self._sleep(max(wait_s, min(every_s * 2**failures, max(MAX_WAIT_S, every_s))))

    async def catch_up(self) -> int:
        """Accept missed deliveries since the last call, oldest first; return the number of jobs.

        Raises:
            GitHubError, StoreUnavailable: the next call starts at the same point.
        """
        now_s = self._clock().timestamp()
        since_s = max(self._read_until - OVERLAP_S, now_s - KEPT_S)
        self._settled = {guid: at for guid, at in self._settled.items() if at >= since_s}
        attempts = await self._log.fetch_deliveries(since=since_s)
        accepted = 0
        for attempt in await self._missed(attempts):
            accepted += await self._accept(attempt)
        self._read_until = now_s
        if accepted:
            logger.info("accepted %d jobs from the delivery log", accepted)
        return accepted

    async def _is_responsible(self) -> bool:
        living = await asyncio.to_thread(load_live_processes, self._database, now=self._clock())
        return self._executor_id == min(living, default=self._executor_id)

    async def _missed(self, attempts: Sequence[HookDelivery]) -> list[HookDelivery]:
        """One attempt for each GUID that has not been accepted, oldest first."""
        arrived = {attempt.guid for attempt in attempts if attempt.is_ok and not self._polls}
        candidates = {
            attempt.guid: attempt
            for attempt in attempts
            if attempt.guid not in arrived
            and attempt.guid not in self._settled
            and self._acceptance.is_relevant(attempt.event, attempt.action)
        }
        known = await asyncio.to_thread(load_known_guids, self._database, candidates)
        missed = [attempt for guid, attempt in candidates.items() if guid not in known]
        return sorted(missed, key=lambda attempt: (attempt.delivered_at, attempt.id))

    async def _accept(self, attempt: HookDelivery) -> bool:
        try:
            content = await self._log.fetch_delivery(attempt.id)
        except GitHubNotFound:
            logger.warning("delivery %s is no longer in the log and is lost", attempt.guid)
            return False
        accepted = await self._acceptance.accept(_delivery(attempt), content.payload)
        if not accepted:
            self._settled[attempt.guid] = attempt.delivered_at
        return accepted


def _delivery(attempt: HookDelivery) -> Delivery:
    received_at = datetime.fromtimestamp(attempt.delivered_at, UTC)
    return Delivery(guid=attempt.guid, event=attempt.event, action=attempt.action, received_at=received_at)
