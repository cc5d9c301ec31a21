"""Receives GitHub's deliveries: checks size, time, and signature, parses the JSON, decides, and commits.

Answers: 202 stored, 200 ignored with the reason, 400 malformed, 401 not signed, 408 too slow, 413 too large, 415
compressed, 503 not stored (GitHub may send it again). GitHub closes the connection after 10 s.

Deliveries that did not arrive are read from the App's delivery log, and are decided and stored in the same way.
"""

import asyncio
import hashlib
import hmac
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
from starlette.requests import ClientDisconnect

from app.domain.job import Accepted, Delivery, Duplicate, Job
from app.errors import ConfigurationError, DeliveryRejected, StoreUnavailable
from app.logs import bound
from webhooks.events import decide
from webhooks.triggers import Ignored, Rules

logger = logging.getLogger(__name__)

MIN_SECRET_CHARACTERS = 8
_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})", re.ASCII)
_GUID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_WORD = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)


class DeliveryQueue(Protocol):
    """Where deliveries are stored: the engine."""

    async def enqueue(self, delivery: Delivery, job: Job) -> Accepted | Duplicate:
        """Store a delivery with its job; raises `StoreUnavailable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """GitHub sends at most 25 MB and waits 10 s. Slow senders are cut off."""

    max_body_bytes: int = 25 * 1024 * 1024
    body_timeout_s: float = 10.0
    store_timeout_s: float = 8.0


GITHUB_LIMITS = RequestLimits()


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
    router = APIRouter()

    @router.post("/webhooks/github")
    async def receive(request: Request) -> JSONResponse:  # pyright: ignore[reportUnusedFunction]
        try:
            content = _parse_json(await _read_signed_body(request, keys, limits))
            delivery = _parse_headers(request, content, clock())
            return await _answer(delivery, content, rules, queue, limits)
        except DeliveryRejected as error:
            logger.info("rejected a delivery: %s", error)
            return JSONResponse({"error": str(error)}, status_code=error.status)

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


def check_secrets(secrets: Sequence[str]) -> tuple[bytes, ...]:
    """Encode the secrets as keys.

    Raises:
        ConfigurationError: there is none, or one is too short.
    """
    if not secrets or any(len(secret) < MIN_SECRET_CHARACTERS for secret in secrets):
        raise ConfigurationError(
            f"GITHUB_WEBHOOK_SECRET must have at least {MIN_SECRET_CHARACTERS} characters."
        )
    return tuple(secret.encode() for secret in secrets)


def is_signed(body: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """Whether `header` (`X-Hub-Signature-256`) is the body's HMAC with one of the secrets, in constant time.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    match = _SIGNATURE.fullmatch(header or "")
    if not match:
        return False
    digests = [hmac.new(secret, body, hashlib.sha256).hexdigest() for secret in secrets]
    return any([hmac.compare_digest(digest, match[1]) for digest in digests])  # noqa: C419 - no early exit


async def _read_signed_body(request: Request, keys: Sequence[bytes], limits: RequestLimits) -> bytes:
    body = await _read_body(request, limits)
    if not is_signed(body, request.headers.get("x-hub-signature-256"), keys):
        raise DeliveryRejected(401, "the signature is missing or wrong")
    return body


async def _read_body(request: Request, limits: RequestLimits) -> bytes:
    """Read the raw bytes. Compressed bodies are rejected, because 50 kB can expand to 50 MB."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise DeliveryRejected(415, "compressed bodies are not accepted")
    if _declared_length(request) > limits.max_body_bytes:
        raise DeliveryRejected(413, "the body is too large")
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_timeout_s):
            async for part in request.stream():
                body += part
                if len(body) > limits.max_body_bytes:
                    raise DeliveryRejected(413, "the body is too large")
    except TimeoutError as error:
        raise DeliveryRejected(408, "the body did not arrive in time") from error
    except ClientDisconnect as error:
        raise DeliveryRejected(400, "the body is incomplete") from error
    return bytes(body)


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 20 else 0


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
        return JSONResponse(
            {"error": "the delivery cannot be stored now"}, status_code=503, headers={"Retry-After": "60"}
        )
    answer = {"delivery": delivery.guid}
    if isinstance(outcome, Duplicate):
        answer["same_as"] = outcome.of
    logger.info("accepted: %s of %s", job.kind, job.partition)
    return JSONResponse(answer, status_code=202)


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"[:200]
