"""Steps of a job: the result of each is kept under its place in the program, and given back after a crash.

What is kept is JSON: values through pydantic's `TypeAdapter`, Quorum's own errors by their class and fields. A step
that must wait for GitHub or for the network is tried again here, up to a limit; longer waits end in `Postponed`.
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
from app.domain.step import Checkpoint
from app.errors import TRANSIENT, GitHubRateLimited, Postponed, QuorumError, Superseded

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

MAX_ATTEMPTS = 5
FIRST_BACKOFF_S = 1.0
OUTAGE_WAIT_S = 90.0  # between two lives of a job while GitHub or the database is away
LONGEST_WAIT_S = 20.0  # whoever waits longer does so in the queue and not in a worker's place


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """The `app.domain.step.Step` of one job."""

    is_superseded: Callable[[], Awaitable[bool]]
    give_way: Callable[[], Awaitable[None]]
    sleep: Sleep

    def __call__(
        self, checkpoint: Checkpoint[T], work: Callable[[], Awaitable[T]]
    ) -> "CoroutineType[Any, Any, T]":
        """See `Step`. Takes its place in the program now, not when it is awaited: so steps may run side by side."""
        reservation = DBOS.reserve_step()
        adapter = cast("TypeAdapter[T]", _adapter(checkpoint.type_))

        async def recorded() -> str:
            return json.dumps(await self._outcome(work, adapter))

        async def restored() -> T:
            try:
                outcome = json.loads(await reservation.run_async({"name": checkpoint.name}, recorded))
            except DBOSUnexpectedStepError as error:  # the steps on record are those of an older program
                raise Postponed(0.0, reason="Quorum was upgraded while the job ran.") from error
            if "value" in outcome:
                return adapter.validate_python(outcome["value"])
            raise _restore_error(outcome)

        return restored()

    async def _outcome(self, work: Callable[[], Awaitable[T]], adapter: TypeAdapter[T]) -> dict[str, Any]:
        try:
            return {"value": adapter.dump_python(await self.attempt(work), mode="json")}
        except QuorumError as error:
            return _describe_error(error)
        except Postponed as error:
            return {"postponed_s": error.delay_s, "reason": error.reason}

    async def attempt(self, work: Callable[[], Awaitable[T]]) -> T:
        """The work's result, begun when deliveries leave room for it, after as many attempts as short obstacles ask for.

        Raises:
            Superseded, Postponed, and what the work raises that waiting does not mend.
        """
        attempt = 0
        await self.give_way()
        while True:
            attempt += 1
            try:
                if await self.is_superseded():
                    raise Superseded("a newer head waits")
                return await work()
            except TRANSIENT as error:
                delay_s = retry_delay_s(error, attempt=attempt)
                if delay_s > LONGEST_WAIT_S:
                    raise Postponed(delay_s, reason=str(error)) from error
                await self.sleep(delay_s)


@cache  # there are few types, and building an adapter takes as long as ten database queries
def _adapter(type_: type[object]) -> TypeAdapter[object]:
    return TypeAdapter(type_)


def retry_delay_s(error: QuorumError, *, attempt: int) -> float:
    """How long to wait before the next attempt. Limits are obeyed, the rest backs off; an outage is sat out in the queue."""
    if isinstance(error, GitHubRateLimited):
        return max(error.retry_after_s, FIRST_BACKOFF_S, OUTAGE_WAIT_S if attempt >= MAX_ATTEMPTS else 0.0)
    if attempt >= MAX_ATTEMPTS:
        return OUTAGE_WAIT_S
    return FIRST_BACKOFF_S * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter


def _describe_error(error: QuorumError) -> dict[str, Any]:
    fields = {name: value for name, value in vars(error).items() if _is_plain(value)}
    return {"error": type(error).__name__, "message": str(error), "fields": fields}


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _restore_error(outcome: dict[str, Any]) -> Exception:
    """The error of an earlier attempt, of the same class and with the same plain fields."""
    if "postponed_s" in outcome:
        return Postponed(outcome["postponed_s"], reason=outcome["reason"])
    kind: type[QuorumError] = getattr(app.errors, outcome["error"], QuorumError)
    error = kind.__new__(kind)
    Exception.__init__(error, outcome["message"])
    vars(error).update(outcome["fields"])
    return error
