"""Answers that were paid for once: key, look-up and single flight. Never shared between repositories.

The key is a hash over everything that decides an answer, and its tenant; what only tunes the wire (time-outs, cache hints) is
not part of it.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Protocol

from app.domain.model_call import CachedAnswer
from app.llm.call_store import CallStore
from app.llm.client import CallScope, ModelRequest, ModelResponse
from app.llm.clock import Clock
from app.llm.router import Candidate


def answer_keys(
    candidates: Sequence[Candidate], request: ModelRequest, scope: CallScope
) -> dict[Candidate, str]:
    """The hashes that name the answers of several candidates to one request of one tenant; its long texts are read once."""
    shared = hashlib.sha256()
    for part in _decisive_parts(request, scope):
        _feed(shared, part)
    keys: dict[Candidate, str] = {}
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
