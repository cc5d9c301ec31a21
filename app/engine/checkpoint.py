"""Runs the steps of a job: stores each step's result under its position in the workflow, and returns it after a crash.

Results are stored as JSON: values through pydantic's `TypeAdapter`, Quorum's own errors by class and fields. A step that
must wait for GitHub or the database is retried here, within limits; a longer wait raises `Postponed`.
"""

import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from types import CoroutineType
from typing import Any, TypeVar, cast

from dbos import DBOS
from dbos._error import DBOSUnexpectedStepError
from pydantic import TypeAdapter

import app.errors
from app.clock import Clock
from app.domain.step import Checkpoint
from app.engine.inbox import BurstGate
from app.errors import TRANSIENT, GitHubRateLimited, Postponed, QuorumError, Superseded

T = TypeVar("T")

MAX_TRIES = 5  # of one step
FIRST_BACKOFF_S = 1.0
OUTAGE_WAIT_S = 90.0  # before a job starts over while GitHub or the database is unavailable
MAX_WAIT_S = 20.0  # in a step; a job that must wait longer goes back to the queue and frees its worker


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointedStep:
    """The `app.domain.step.Step` of one job."""

    is_superseded: Callable[[], Awaitable[bool]]
    gate: BurstGate
    clock: Clock

    def __call__(
        self, checkpoint: Checkpoint[T], work: Callable[[], Awaitable[T]]
    ) -> "CoroutineType[Any, Any, T]":
        """See `Step`. Takes its position when it is called, not when it is awaited, so steps may run concurrently."""
        reservation = DBOS.reserve_step()
        adapter = cast("TypeAdapter[T]", _adapter(checkpoint.type_))

        async def recorded() -> str:
            return json.dumps(await self._outcome(work, adapter))

        async def restored() -> T:
            try:
                outcome = json.loads(await reservation.run_async({"name": checkpoint.name}, recorded))
            except DBOSUnexpectedStepError as error:  # an older version of Quorum recorded other steps
                raise Postponed(0.0, reason="Quorum was upgraded while the job ran.") from error
            if "value" in outcome:
                return adapter.validate_python(outcome["value"])
            raise _restore_error(outcome)

        return restored()

    async def _outcome(self, work: Callable[[], Awaitable[T]], adapter: TypeAdapter[T]) -> dict[str, Any]:
        try:
            return {"value": adapter.dump_python(await self.run(work), mode="json")}
        except QuorumError as error:
            return _describe_error(error)
        except Postponed as error:
            return {"postponed_s": error.delay_s, "reason": error.reason}

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run the work once no burst of deliveries is arriving, and retry it after short outages.

        Raises:
            Superseded, Postponed, and any error of the work that waiting does not fix.
        """
        attempt = 0
        await self.gate.wait_for_turn()
        while True:
            attempt += 1
            try:
                if await self.is_superseded():
                    raise Superseded("a newer head is waiting")
                return await work()
            except TRANSIENT as error:
                delay_s = retry_delay_s(error, attempt=attempt)
                if delay_s > MAX_WAIT_S:
                    raise Postponed(delay_s, reason=str(error)) from error
                await self.clock.sleep(delay_s)


@cache  # there are few types, and building an adapter takes as long as ten database queries
def _adapter(type_: type[object]) -> TypeAdapter[object]:
    return TypeAdapter(type_)


def retry_delay_s(error: QuorumError, *, attempt: int) -> float:
    """Return how long to wait before the next attempt: until a rate limit ends, or an exponential backoff."""
    if isinstance(error, GitHubRateLimited):
        return max(error.retry_after_s, FIRST_BACKOFF_S, OUTAGE_WAIT_S if attempt >= MAX_TRIES else 0.0)
    if attempt >= MAX_TRIES:
        return OUTAGE_WAIT_S
    return FIRST_BACKOFF_S * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter


def _describe_error(error: QuorumError) -> dict[str, Any]:
    fields = {name: value for name, value in vars(error).items() if _is_plain(value)}
    return {"error": type(error).__name__, "message": str(error), "fields": fields}


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _restore_error(outcome: dict[str, Any]) -> Exception:
    """Rebuild the recorded error of an earlier attempt, with its class and plain fields."""
    if "postponed_s" in outcome:
        return Postponed(outcome["postponed_s"], reason=outcome["reason"])
    kind: type[QuorumError] = getattr(app.errors, outcome["error"], QuorumError)
    error = kind.__new__(kind)
    Exception.__init__(error, outcome["message"])
    vars(error).update(outcome["fields"])
    return error
