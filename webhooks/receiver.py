"""Receives GitHub's deliveries: size, time and signature first, then JSON, then the decision, then the commit.

Whatever comes in, the answer is one of the contract's: 202 stored, 200 ignored with the reason, 401 not signed,
400 malformed, 413 too large, 503 not stored (GitHub may send it again). GitHub cuts the line after 10 s.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.requests import ClientDisconnect

from app.domain.job import Accepted, Delivery, Duplicate, Job
from app.errors import StoreUnavailable
from app.logs import bound
from webhooks.rules import Ignored, Rules
from webhooks.signature import check_secrets, is_signed
from webhooks.triggers import decide

logger = logging.getLogger(__name__)

Enqueue = Callable[[Delivery, Job], Awaitable[Accepted | Duplicate]]
_GUID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_WORD = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """GitHub sends at most 25 MB and waits 10 s; who drips bytes is cut off."""

    max_body_bytes: int = 25 * 1024 * 1024
    body_timeout_s: float = 10.0
    store_timeout_s: float = 8.0


GITHUBS = Limits()


class Refused(Exception):
    """The request is answered with an error; the message is for its sender."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def webhook_router(
    *,
    secrets: Sequence[str],
    enqueue: Enqueue,
    rules: Rules,
    clock: Callable[[], datetime],
    limits: Limits = Limits(),
) -> APIRouter:
    """`POST /webhooks/github`.

    Raises:
        ConfigurationError: a secret is missing or too short.
    """
    keys = check_secrets(secrets)
    router = APIRouter()

    @router.post("/webhooks/github")
    async def receive(request: Request) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        try:
            content = _parse_json(await _read_signed_body(request, keys, limits))
            delivery = _parse_headers(request, content, clock())
            return await _answer(delivery, content, rules, enqueue, limits)
        except Refused as error:
            logger.info("a delivery was refused: %s", error)
            return JSONResponse({"error": str(error)}, status_code=error.status)

    return router


async def _read_signed_body(request: Request, keys: Sequence[bytes], limits: Limits) -> bytes:
    body = await _read_body(request, limits)
    if not is_signed(body, request.headers.get("x-hub-signature-256"), keys):
        raise Refused(401, "the signature is missing or wrong")
    return body


async def _read_body(request: Request, limits: Limits) -> bytes:
    """The raw bytes; a compressed body is not taken, since 50 kB of it may be 50 MB."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "a compressed body is not taken")
    if _declared_length(request) > limits.max_body_bytes:
        raise Refused(413, "the body is too large")
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_timeout_s):
            async for part in request.stream():
                body += part
                if len(body) > limits.max_body_bytes:
                    raise Refused(413, "the body is too large")
    except TimeoutError as error:
        raise Refused(408, "the body did not come in time") from error
    except ClientDisconnect as error:
        raise Refused(400, "the body did not come whole") from error
    return bytes(body)


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0


def _parse_json(body: bytes) -> dict[str, Any]:
    """Pydantic's parser ends deep nesting and endless integers with an error of its own."""
    try:
        content = from_json(body, allow_inf_nan=False)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "the body is not JSON") from error
    if not isinstance(content, dict):
        raise Refused(400, "the body is not a JSON object")
    return cast(dict[str, Any], content)


def _parse_headers(request: Request, content: dict[str, Any], received_at: datetime) -> Delivery:
    """These headers are not signed: they only name the delivery, and the event must fit the body."""
    guid, event = request.headers.get("x-github-delivery", ""), request.headers.get("x-github-event", "")
    if not _GUID.fullmatch(guid) or not _WORD.fullmatch(event):
        raise Refused(400, "X-GitHub-Delivery or X-GitHub-Event is missing or malformed")
    action = content.get("action")
    known = action if isinstance(action, str) and _WORD.fullmatch(action) else None
    return Delivery(guid=guid, event=event, action=known, received_at=received_at)


async def _answer(
    delivery: Delivery, content: dict[str, Any], rules: Rules, enqueue: Enqueue, limits: Limits
) -> JSONResponse:
    with bound(delivery=delivery.guid, event=delivery.event):
        try:
            decision = decide(delivery, content, rules)
        except ValidationError as error:
            raise Refused(400, f"the body is no {delivery.event}: {_first_fault(error)}") from error
        if isinstance(decision, Ignored):
            logger.info("ignored: %s", decision.reason)
            return JSONResponse({"ignored": decision.reason})
        return await _store(delivery, decision, enqueue, limits)


async def _store(delivery: Delivery, job: Job, enqueue: Enqueue, limits: Limits) -> JSONResponse:
    try:
        async with asyncio.timeout(limits.store_timeout_s):
            outcome = await enqueue(delivery, job)
    except (StoreUnavailable, TimeoutError) as error:
        logger.error("a delivery could not be stored", exc_info=error)
        return JSONResponse(
            {"error": "it cannot be stored now"}, status_code=503, headers={"Retry-After": "60"}
        )
    answer = {"delivery": delivery.guid}
    if isinstance(outcome, Duplicate):
        answer["same_as"] = outcome.of
    logger.info("accepted: %s of %s", job.kind, job.partition)
    return JSONResponse(answer, status_code=202)


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"[:200]
