"""Stores calls and their answers: the store's interface, an in-memory store, and the answer cache.

Answers are never shared between repositories. A cache key hashes the tenant and everything that determines an answer, but
not settings of the connection (timeouts, cache hints). The database tables are in `app.store`.
"""

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from app.clock import Clock
from app.domain.model_call import Booking, CachedAnswer, CallEntry, ModelCall, Outcome, Provider, Slot
from app.domain.review import UsageTotal
from app.llm.client import CallScope, ModelRequest, ModelResponse, RouteCandidate

NEVER_SENT = (Outcome.CACHE_HIT, Outcome.OVER_BUDGET)


class CallStore(Protocol):
    """Stores calls, answers and budgets. A call needs one lookup and one write, and a reservation if there is a limit."""

    async def load_answers(
        self, installation_id: int, repository: str, keys: Sequence[str], *, now: datetime
    ) -> dict[str, CachedAnswer]:
        """Return the tenant's answers to these keys that have not expired."""
        ...

    async def reserve(self, limits_usd: Mapping[str, float | None], amount_usd: float) -> str | None:
        """Add the amount to all accounts, or to none; returns the account that would exceed its limit, None on success."""
        ...

    async def take_slot(self, provider: Provider, *, limit: int) -> Slot | None:
        """Take one of a provider's `limit` slots, None if all are taken; a process that dies loses its slots."""
        ...

    def release_slot(self, slot: Slot) -> None:
        """Release a slot: immediately to this process's next call, soon to other processes."""
        ...

    async def aclose(self) -> None:
        """Release everything."""
        ...

    async def record(self, entry: CallEntry) -> None:
        """Store the row, the spending and the answer (the newest for its key) in one transaction."""
        ...

    async def usage(self, review_id: str) -> UsageTotal:
        """Add up the rows of a review."""
        ...


class MemoryCalls:
    """Keeps the rows of the last reviews and a limited number of answers in memory, for the command line and tests."""

    def __init__(self, *, reviews: int = 1_000, answers: int = 1_000) -> None:
        self.spent_usd: dict[str, float] = {}
        self._reviews = reviews
        self._calls: OrderedDict[str | None, list[ModelCall]] = OrderedDict()
        self._limit = answers
        self._answers: dict[tuple[int, str, str], CachedAnswer] = {}
        self._slots: set[Slot] = set()

    @property
    def calls(self) -> list[ModelCall]:
        """All rows, in the order of the reviews."""
        return [call for calls in self._calls.values() for call in calls]

    async def load_answers(
        self, installation_id: int, repository: str, keys: Sequence[str], *, now: datetime
    ) -> dict[str, CachedAnswer]:
        """Return the tenant's answers."""
        found = {key: self._answers.get((installation_id, repository, key)) for key in keys}
        return {key: answer for key, answer in found.items() if answer and answer.expires_at > now}

    async def reserve(self, limits_usd: Mapping[str, float | None], amount_usd: float) -> str | None:
        """Add the amount to every account, or to none; atomic, because nothing is awaited."""
        for account, limit_usd in limits_usd.items():
            if limit_usd is not None and self.spent_usd.get(account, 0.0) + amount_usd > limit_usd:
                return account
        self._book(Booking(accounts=tuple(limits_usd), difference_usd=amount_usd))
        return None

    async def take_slot(self, provider: Provider, *, limit: int) -> Slot | None:
        """Take the first free slot."""
        slots = (Slot(provider=provider, number=number) for number in range(limit))
        slot = next((each for each in slots if each not in self._slots), None)
        if slot:
            self._slots.add(slot)
        return slot

    def release_slot(self, slot: Slot) -> None:
        """Release the slot."""
        self._slots.discard(slot)

    async def aclose(self) -> None:
        """Do nothing: memory holds no resources."""

    async def record(self, entry: CallEntry) -> None:
        """Store an entry; drop the oldest review's rows and the oldest answer if there are too many."""
        self._calls.setdefault(entry.call.review_id, []).append(entry.call)
        if len(self._calls) > self._reviews:
            self._calls.popitem(last=False)
        if entry.booking:
            self._book(entry.booking)
        if answer := entry.answer:
            self._answers[answer.installation_id, answer.repository, answer.key] = answer
            if len(self._answers) > self._limit:
                self._answers.pop(next(iter(self._answers)))

    async def usage(self, review_id: str) -> UsageTotal:
        """Add up the rows of a review."""
        return total_of(self._calls.get(review_id, []))

    def _book(self, booking: Booking) -> None:
        for account in booking.accounts:
            self.spent_usd[account] = self.spent_usd.get(account, 0.0) + booking.difference_usd


def total_of(calls: Sequence[ModelCall]) -> UsageTotal:
    """Add up a review's usage; `calls` counts attempts, not cache hits or refusals by a budget."""
    total = UsageTotal()
    for call in calls:
        if call.outcome in NEVER_SENT:
            continue
        total = replace(
            total,
            calls=total.calls + 1,
            input_tokens=total.input_tokens + call.usage.input_tokens,
            cached_input_tokens=total.cached_input_tokens + call.usage.cached_input_tokens,
            output_tokens=total.output_tokens + call.usage.output_tokens,
            cost_usd=total.cost_usd + (call.cost_usd or 0.0),
            unpriced_calls=total.unpriced_calls + (call.cost_usd is None),
        )
    return total


def answer_keys(
    candidates: Sequence[RouteCandidate], request: ModelRequest, scope: CallScope
) -> dict[RouteCandidate, str]:
    """Hash one tenant's request for each candidate; the long texts are hashed once."""
    shared = hashlib.sha256()
    for part in _decisive_parts(request, scope):
        _feed(shared, part)
    keys: dict[RouteCandidate, str] = {}
    for candidate in candidates:
        own = shared.copy()
        _feed(own, candidate.provider)
        _feed(own, candidate.model)
        keys[candidate] = own.hexdigest()
    return keys


def _decisive_parts(request: ModelRequest, scope: CallScope) -> Iterator[str]:
    yield str(scope.installation_id)
    yield scope.repository
    yield request.prompt_id
    yield request.prompt_version
    yield request.system
    yield request.material
    yield request.question
    yield json.dumps(request.schema)  # keeps its order: a different order is a different prompt
    yield request.effort
    yield str(request.max_output_tokens)
    for image in request.images:
        yield image.media_type
        yield hashlib.sha256(image.data).hexdigest()


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


def _feed(hashed: _Hash, part: str) -> None:
    """Hash each part with its length, so that text moved between parts gives a different key."""
    data = part.encode("utf-8", "surrogatepass")
    hashed.update(len(data).to_bytes(8, "big"))
    hashed.update(data)


class AnswerCache:
    """Looks up and prepares cached answers, and lets only one of several identical questions run."""

    def __init__(self, *, store: CallStore, clock: Clock, ttl_s: float) -> None:
        self._store = store
        self._clock = clock
        self._ttl = timedelta(seconds=ttl_s)
        self._flights: dict[str, tuple[asyncio.Lock, int]] = {}

    async def load(self, scope: CallScope, keys: Sequence[str]) -> CachedAnswer | None:
        """Return the answer for the first key that has one."""
        if not self._ttl:
            return None
        found = await self._store.load_answers(
            scope.installation_id, scope.repository, keys, now=self._clock.now()
        )
        return next((found[key] for key in keys if key in found), None)

    def entry(
        self, scope: CallScope, key: str, request: ModelRequest, response: ModelResponse
    ) -> CachedAnswer | None:
        """Prepare an answer for the cache; None if the cache is off."""
        if not self._ttl:
            return None
        now = self._clock.now()
        return CachedAnswer(
            installation_id=scope.installation_id,
            repository=scope.repository,
            key=key,
            provider=response.provider,
            model=response.model,
            prompt_id=request.prompt_id,
            prompt_version=request.prompt_version,
            value=response.parsed,
            usage=response.usage,
            created_at=now,
            expires_at=now + self._ttl,
        )

    @asynccontextmanager
    async def flight(self, key: str) -> AsyncGenerator[None]:
        """Hold the key: identical questions wait, then find the answer; after a failure, the next one asks."""
        lock, waiting = self._flights.get(key, (asyncio.Lock(), 0))
        self._flights[key] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._flights.pop(key)
            if waiting > 1:
                self._flights[key] = lock, waiting - 1
