"""Shared by the vendor adapters: opens an SDK lazily, orders the parts of a request, and maps answers and errors."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, Generic, NoReturn, TypeVar

from app.domain.model_call import Provider, Usage
from app.errors import ModelError, ModelInvalidOutput, ModelRefused, ModelTruncated, ModelUnavailable
from app.llm.client import Image, ModelRequest, ModelResponse
from app.llm.failures import (
    code_of,
    disconnected,
    name_of,
    not_an_answer,
    not_set_up,
    shown,
    timed_out,
    within,
)
from app.llm.streams import Stopwatch
from app.llm.unwrap import parse_strict, parse_wrapped
from app.llm.vendor_errors import VendorFailure, error_from, parse_retry_after

T = TypeVar("T")


class LazyClient(Generic[T]):
    """Creates an SDK's client in a thread on the first `get`.

    Importing an SDK takes up to two seconds of CPU, which would block webhooks on the event loop. `logger` is the name of
    the SDK's logger, whose debug lines contain entire prompts.
    """

    def __init__(
        self, open_: Callable[[], T], *, close: Callable[[T], Awaitable[object]], logger: str
    ) -> None:
        self._open = open_
        self._close = close
        self._logger = logging.getLogger(logger)
        self._lock = asyncio.Lock()
        self._value: T | None = None

    async def get(self) -> T:
        """Return the client; the first caller creates it, others wait."""
        if self._value is None:
            async with self._lock:
                if self._value is None:
                    self._value = await asyncio.to_thread(self._open)
                    self._logger.setLevel(logging.INFO)
        return self._value

    async def aclose(self) -> None:
        """Close the connections, if any."""
        if self._value is not None:
            await self._close(self._value)


Part = TypeVar("Part")


def ordered_parts(
    request: ModelRequest, *, text: Callable[[str], Part], image: Callable[[Image], Part]
) -> list[Part]:
    """Return material, images and question in the vendor's form, shared parts first; empty texts are omitted."""
    texts = [text(each) for each in (request.material, request.question) if each]
    return [*texts[:-1], *map(image, request.images), *texts[-1:]]


Errors = tuple[type[Exception], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkErrors:
    """The errors of an SDK, in order of precedence. `failure` reads an error that has an HTTP status."""

    timeout: Errors
    status: Errors
    failure: Callable[[Any], VendorFailure]
    connection: Errors
    set_up: Errors  # missing credentials, if the SDK looks for them only when it needs them
    no_answer: Errors  # a 200 whose body is not an answer


@asynccontextmanager
async def on_the_wire(provider: Provider, timeout_s: float, errors: SdkErrors) -> AsyncGenerator[None]:
    """Limit one attempt's time and map the SDK's errors."""
    try:
        async with within(provider, timeout_s):
            yield
    except errors.timeout as error:
        raise timed_out(provider) from error
    except errors.status as error:
        raise error_from(errors.failure(error)) from error
    except errors.connection as error:
        raise disconnected(provider) from error
    except errors.set_up as error:
        raise not_set_up(provider) from error
    except errors.no_answer as error:
        raise not_an_answer(provider) from error


def count(usage: object, name: str) -> int:
    """Return a number from a vendor's usage; 0 if it is missing, because the SDKs do not validate."""
    return getattr(usage, name, None) or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseOutcome:
    """How a vendor's response ended, with what to record even if it is unusable."""

    provider: Provider
    usage: Usage
    request_id: str | None

    def answer(
        self,
        text: str,
        *,
        request: ModelRequest,
        model: str,
        stop_reason: str | None,
        watch: Stopwatch | None = None,
    ) -> ModelResponse:
        """Return the response, with its text parsed as JSON; if nobody enforced the schema, with text around the JSON.

        Raises:
            ModelInvalidOutput: there is no JSON.
        """
        is_strict = request.is_schema_enforced and not self.provider.is_server
        wanted = None if is_strict else request.schema.get("required", ())
        return ModelResponse(
            provider=self.provider,
            model=model,
            text=text,
            parsed=self.parse_json(text, wanted=wanted),
            usage=self.usage,
            request_id=self.request_id,
            stop_reason=stop_reason,
            first_token_ms=watch.first_token_ms if watch else None,
        )

    def fail(self, kind: type[ModelError], sentence: str) -> NoReturn:
        """Raise `kind`; `{vendor}` in the sentence is the vendor's name."""
        raise kind(
            sentence.format(vendor=name_of(self.provider)),
            provider=self.provider,
            usage=self.usage,
            request_id=self.request_id,
        )

    def refused(self, category: str | None = None) -> NoReturn:
        """Raise: the model or a filter declined."""
        self.fail(ModelRefused, f"{{vendor}}'s model declined to answer{shown(category)}.")

    def truncated(self) -> NoReturn:
        """Raise: the answer reached the output limit."""
        self.fail(ModelTruncated, "{vendor}'s answer was cut at the output limit.")

    def unknown(self, reason: object) -> NoReturn:
        """Raise: an unknown stop reason is a failure, never a success."""
        self.fail(ModelUnavailable, f"{{vendor}} stopped for an unknown reason{shown(reason)}.")

    def parse_json(self, text: str, *, wanted: Collection[str] | None = None) -> object:
        """Parse an answer's text as JSON; with `wanted` keys, the JSON may have text around it.

        Raises:
            ModelInvalidOutput: the text is empty or not strict JSON.
        """
        try:
            return parse_strict(text) if wanted is None else parse_wrapped(text, wanted=wanted)
        except (ValueError, RecursionError):
            self.fail(
                ModelInvalidOutput,
                "{vendor}'s answer is not JSON." if text else "{vendor}'s answer is empty.",
            )


def stainless_errors(provider: Provider, sdk: ModuleType, base: type[Exception]) -> SdkErrors:
    """Return the errors of an SDK generated by Stainless; `base` is their base class.

    Anthropic's and OpenAI's SDKs come from this generator and name their errors alike:
    https://www.stainless.com/docs/sdks/python
    """
    return SdkErrors(
        timeout=(sdk.APITimeoutError,),
        status=(sdk.APIStatusError,),
        failure=partial(_failure, provider),
        connection=(sdk.APIConnectionError,),
        set_up=(ImportError,),  # AWS credentials other than a token require `anthropic[bedrock]`
        no_answer=(ValueError, base),  # broken JSON is a bare ValueError
    )


def _failure(provider: Provider, error: Any) -> VendorFailure:  # noqa: ANN401 - either SDK's APIStatusError
    """Map an error with a status; vLLM's and llama.cpp's `code` is a number, their `type` says more.

    An error in the middle of a stream has the stream's status, 200.
    """
    codes = (getattr(error, name, None) for name in ("error_code", "code", "type"))
    code = next((each for each in codes if isinstance(each, str) and code_of(each)), None)
    return VendorFailure(
        provider=provider,
        status=_STATUS_IN_STREAM.get(code or "", 500) if error.status_code == 200 else error.status_code,
        code=code,
        text=str(error.body),
        retry_after_s=parse_retry_after(error.response.headers),
        request_id=error.request_id,
    )


_STATUS_IN_STREAM = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "timeout_error": 504,
}
