"""Receives GitHub's deliveries: reads the signed body, parses the JSON, decides, and commits.

Answers: 202 stored, 200 ignored with the reason, 400 malformed, 401 not signed, 408 too slow, 413 too large, 415
compressed, 503 not stored now (GitHub may send it again). GitHub closes the connection after 10 s.

Deliveries that did not arrive are read from the App's delivery log, and are decided and stored in the same way.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, cast

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from pydantic_core import from_json

from app.domain.job import Accepted, Delivery, Duplicate, Job
from app.errors import DeliveryRejected, StoreUnavailable
from app.logs import bound
from webhooks.bodies import GITHUB_LIMITS, Bodies, RequestLimits
from webhooks.events import decide
from webhooks.signature import check_secrets
from webhooks.triggers import Ignored, Rules

logger = logging.getLogger(__name__)

RETRY_AFTER_S = "60"
_GUID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_WORD = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)


class DeliveryQueue(Protocol):
    """Where deliveries are stored: the engine."""

    async def enqueue(self, delivery: Delivery, job: Job) -> Accepted | Duplicate:
        """Store a delivery with its job; raises `StoreUnavailable`."""
        ...


def webhook_router(
    *,
    secrets: Sequence[str],
    queue: DeliveryQueue,
    rules: Rules,
    clock: Callable[[], datetime],
    limits: RequestLimits = GITHUB_LIMITS,
) -> APIRouter:
    """Build the router with `POST /webhooks/github`.

    Raises:
        ConfigurationError: a secret is missing or too short.
    """
    keys = check_secrets(secrets)
    bodies = Bodies(limits)
    router = APIRouter()

    async def receive(request: Request) -> JSONResponse:
        try:
            content = _parse_json(await bodies.read_signed(request, keys))
            delivery = _parse_headers(request, content, clock())
            return await _answer(delivery, content, rules, queue, limits)
        except DeliveryRejected as error:
            logger.info("rejected a delivery: %s", error)
            return _rejection(error)

    # Not `router.post`: FastAPI's handling of parameters takes as long as the rest, and there are none.
    router.add_route("/webhooks/github", receive, methods=["POST"])
    return router


@dataclass(frozen=True, slots=True, kw_only=True)
class LateDeliveries:
    """Takes deliveries from the App's delivery log. They come from GitHub's API, so no signature is checked."""

    queue: DeliveryQueue
    rules: Rules

    async def take(self, delivery: Delivery, payload: Mapping[str, Any]) -> bool:
        """Store a delivery if it asks for a job; returns whether it added one.

        Raises:
            StoreUnavailable: the job could not be stored.
        """
        try:
            decision = decide(delivery, payload, self.rules)
        except ValidationError as error:
            logger.warning(
                "late delivery %s is not a valid %s: %s", delivery.guid, delivery.event, _first_fault(error)
            )
            return False
        if isinstance(decision, Ignored):
            logger.info("ignored late delivery %s: %s", delivery.guid, decision.reason)
            return False
        outcome = await self.queue.enqueue(delivery, decision)
        logger.info("accepted late delivery %s: %s of %s", delivery.guid, decision.kind, decision.partition)
        return not isinstance(outcome, Duplicate)


def _rejection(error: DeliveryRejected) -> JSONResponse:
    headers = {"Retry-After": RETRY_AFTER_S} if error.status == 503 else None
    return JSONResponse({"error": str(error)}, status_code=error.status, headers=headers)


def _parse_json(body: bytes) -> dict[str, Any]:
    """Parse with pydantic's parser, which rejects deep nesting and huge integers with an error."""
    try:
        content = from_json(body, allow_inf_nan=False)
    except (ValueError, RecursionError) as error:
        raise DeliveryRejected(400, "the body is not JSON") from error
    if not isinstance(content, dict):
        raise DeliveryRejected(400, "the body is not a JSON object")
    return cast(dict[str, Any], content)


def _parse_headers(request: Request, content: dict[str, Any], received_at: datetime) -> Delivery:
    """Parse the headers. They are not signed: they only name the delivery, and the event must match the body."""
    guid, event = request.headers.get("x-github-delivery", ""), request.headers.get("x-github-event", "")
    if not _GUID.fullmatch(guid) or not _WORD.fullmatch(event):
        raise DeliveryRejected(400, "X-GitHub-Delivery or X-GitHub-Event is missing or malformed")
    action = content.get("action")
    known = action if isinstance(action, str) and _WORD.fullmatch(action) else None
    return Delivery(guid=guid, event=event, action=known, received_at=received_at)


async def _answer(
    delivery: Delivery, content: dict[str, Any], rules: Rules, queue: DeliveryQueue, limits: RequestLimits
) -> JSONResponse:
    with bound(delivery=delivery.guid, event=delivery.event):
        try:
            decision = decide(delivery, content, rules)
        except ValidationError as error:
            fault = _first_fault(error)
            raise DeliveryRejected(400, f"the body is not a valid {delivery.event}: {fault}") from error
        if isinstance(decision, Ignored):
            logger.info("ignored: %s", decision.reason)
            return JSONResponse({"ignored": decision.reason})
        return await _store(delivery, decision, queue, limits)


async def _store(delivery: Delivery, job: Job, queue: DeliveryQueue, limits: RequestLimits) -> JSONResponse:
    try:
        async with asyncio.timeout(limits.store_timeout_s):
            outcome = await queue.enqueue(delivery, job)
    except (StoreUnavailable, TimeoutError) as error:
        logger.error("cannot store a delivery", exc_info=error)
        return _rejection(DeliveryRejected(503, "the delivery cannot be stored now"))
    answer = {"delivery": delivery.guid}
    if isinstance(outcome, Duplicate):
        answer["same_as"] = outcome.of
    logger.info("accepted: %s of %s", job.kind, job.partition)
    return JSONResponse(answer, status_code=202)


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"[:200]
