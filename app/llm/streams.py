"""Reads an answer as a stream of events: notices a server that falls silent, and when the first token arrived."""

import time
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Protocol, TypeVar

from app.domain.model_call import Provider
from app.errors import ModelError, ModelNotFound, ModelRequestRejected, ModelStreamRefused
from app.llm.failures import name_of, not_an_answer, within

IDLE_S = 180.0  # between two events; a model that thinks sends none for minutes

T = TypeVar("T")


class _Headers(Protocol):
    def get(self, key: str, /) -> str | None: ...


class Stopwatch:
    """Measures the time to the first token."""

    def __init__(self) -> None:
        self._started_s = time.monotonic()
        self.first_token_ms: int | None = None

    def stop(self) -> None:
        """Note that a token arrived; only the first counts."""
        if self.first_token_ms is None:
            self.first_token_ms = round((time.monotonic() - self._started_s) * 1_000)


async def events(provider: Provider, stream: AsyncIterable[T]) -> AsyncGenerator[T]:
    """Yield a stream's events.

    Raises:
        ModelTimeout: nothing arrived for `IDLE_S`.
    """
    iterator = aiter(stream)
    while True:
        try:
            async with within(provider, IDLE_S):
                event = await anext(iterator)
        except StopAsyncIteration:
            return
        yield event


def is_whole(provider: Provider, headers: _Headers) -> bool:
    """Whether a server ignored that a stream was requested and sends the answer as one JSON value.

    Raises:
        ModelUnavailable: it sends neither, such as a proxy's page.
    """
    kind = headers.get("content-type") or ""
    if "stream" in kind:
        return False
    if "json" in kind:
        return True
    raise not_an_answer(provider)


class StreamSupport:
    """Remembers whether the server at an operator's own address streams; vendors' own servers do."""

    def __init__(self, provider: Provider, base_url: str | None) -> None:
        self._provider = provider
        self._is_sure = base_url is None
        self.is_supported = True

    def succeeded(self) -> None:
        """Note that a stream was read."""
        self._is_sure = True

    def check(self, error: ModelError) -> ModelError:
        """Return the error, or, for a rejection before any stream worked, one that asks again without a stream."""
        if self._is_sure or not isinstance(error, ModelNotFound | ModelRequestRejected):
            return error
        self.is_supported = False
        return ModelStreamRefused(
            f"{name_of(self._provider)} rejects a streamed answer.",
            provider=self._provider,
            request_id=error.request_id,
        )
