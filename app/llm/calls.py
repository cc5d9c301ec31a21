"""Stores calls and their answers: the store's interface, an in-memory store, and the answer cache.

Answers are never shared between repositories. A cache key hashes everything that decides an answer, and its tenant; settings that only
tune the connection (timeouts, cache hints) are not part of it. The database tables are in `app.store.call_tables`."""

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
    """One look-up and one write a call; a reservation only where a limit is set."""

    async def load_answers(
        self, installation_id: int, repository: str, keys: Sequence[str], *, now: datetime
    ) -> dict[str, CachedAnswer]:
        """The tenant's answers to these keys that are there and have not expired."""
        ...

    async def reserve(self, limits_usd: Mapping[str, float | None], amount_usd: float) -> str | None:
        """Add the amount to every account, or to none; answers the account that has no room, None when done."""
        ...

    async def take_slot(self, provider: Provider, *, most: int) -> Slot | None:
        """One of a provider's `most` slots, None where all are taken; a process that dies loses it."""
        ...

    def let_go(self, slot: Slot) -> None:
        """The call of a slot has ended; at once this process's next call may have it, other processes' soon."""
        ...

    async def aclose(self) -> None:
        """Hold nothing any longer."""
        ...

    async def record(self, entry: CallEntry) -> None:
        """Keep the row, what was spent and the answer (the newest of its key stays): all of it, or nothing."""
        ...

    async def usage(self, review_id: str) -> UsageTotal:
        """Sum over the rows of a review."""
        ...


class MemoryCalls:
    """Everything in memory, rows of the last reviews and answers up to a number: for the command line and for tests."""

    def __init__(self, *, reviews: int = 1_000, answers: int = 1_000) -> None:
        self.spent_usd: dict[str, float] = {}
        self._reviews = reviews
        self._calls: OrderedDict[str | None, list[ModelCall]] = OrderedDict()
        self._limit = answers
        self._answers: dict[tuple[int, str, str], CachedAnswer] = {}
        self._slots: set[Slot] = set()

    @property
    def calls(self) -> list[ModelCall]:
        """All rows, in order of the reviews."""
        return [call for calls in self._calls.values() for call in calls]

    async def load_answers(
        self, installation_id: int, repository: str, keys: Sequence[str], *, now: datetime
    ) -> dict[str, CachedAnswer]:
        """The tenant's answers."""
        found = {key: self._answers.get((installation_id, repository, key)) for key in keys}
        return {key: answer for key, answer in found.items() if answer and answer.expires_at > now}

    async def reserve(self, limits_usd: Mapping[str, float | None], amount_usd: float) -> str | None:
        """Add the amount to every account, or to none; nothing is awaited, so nobody comes between."""
        for account, limit_usd in limits_usd.items():
            if limit_usd is not None and self.spent_usd.get(account, 0.0) + amount_usd > limit_usd:
                return account
        self._book(Booking(accounts=tuple(limits_usd), difference_usd=amount_usd))
        return None

    async def take_slot(self, provider: Provider, *, most: int) -> Slot | None:
        """The first that is free."""
        slots = (Slot(provider=provider, number=number) for number in range(most))
        slot = next((each for each in slots if each not in self._slots), None)
        if slot:
            self._slots.add(slot)
        return slot

    def let_go(self, slot: Slot) -> None:
        """It is free."""
        self._slots.discard(slot)

    async def aclose(self) -> None:
        """Nothing is held."""

    async def record(self, entry: CallEntry) -> None:
        """Keep an entry; the oldest review's rows and the oldest answer go where there are too many."""
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
        """Sum over the rows of a review."""
        return total_of(self._calls.get(review_id, []))

    def _book(self, booking: Booking) -> None:
        for account in booking.accounts:
            self.spent_usd[account] = self.spent_usd.get(account, 0.0) + booking.difference_usd


def total_of(calls: Sequence[ModelCall]) -> UsageTotal:
    """What a review took; `calls` counts attempts on the wire, so neither cache hits nor refusals by budget."""
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
    """The hashes that name the answers of several candidates to one request of one tenant; its long texts are read once."""
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
    yield json.dumps(request.schema)  # in its own order: another order is another prompt
    yield request.effort
    yield str(request.max_output_tokens)
    for image in request.images:
        yield image.media_type
        yield hashlib.sha256(image.data).hexdigest()


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


def _feed(hashed: _Hash, part: str) -> None:
    """Each part with its length: text that moves from one part to the next is another question."""
    data = part.encode("utf-8", "surrogatepass")
    hashed.update(len(data).to_bytes(8, "big"))
    hashed.update(data)


class AnswerCache:
    """Looks answers up, says what is kept for `ttl_s`, and lets one of several identical questions go ahead alone."""

    def __init__(self, *, store: CallStore, clock: Clock, ttl_s: float) -> None:
        self._store = store
        self._clock = clock
        self._ttl = timedelta(seconds=ttl_s)
        self._flights: dict[str, tuple[asyncio.Lock, int]] = {}

    async def load(self, scope: CallScope, keys: Sequence[str]) -> CachedAnswer | None:
        """The answer to the first of the keys that has one."""
        if not self._ttl:
            return None
        found = await self._store.load_answers(
            scope.installation_id, scope.repository, keys, now=self._clock.now()
        )
        return next((found[key] for key in keys if key in found), None)

    def entry(
        self, scope: CallScope, key: str, request: ModelRequest, response: ModelResponse
    ) -> CachedAnswer | None:
        """A good answer as it is to be kept; None where nothing is."""
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
        """Whoever asks the same meanwhile waits here, and then finds the answer; after a failure the next one asks."""
        lock, waiting = self._flights.get(key, (asyncio.Lock(), 0))
        self._flights[key] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._flights.pop(key)
            if waiting > 1:
                self._flights[key] = lock, waiting - 1
