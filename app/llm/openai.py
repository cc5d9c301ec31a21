"""GPT, over OpenAI's Responses API or Azure OpenAI. Knows the `openai` SDK; never retries, never has answers stored.

https://platform.openai.com/docs/api-reference/responses/create
"""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from app.domain.model_call import Provider, Usage
from app.errors import (
    ModelError,
    ModelRateLimited,
    ModelRequestRejected,
    ModelTruncated,
    ModelUnavailable,
)
from app.llm.client import ModelRequest, ModelResponse
from app.llm.faults import (
    CHECK_TIMEOUT_S,
    Ending,
    Failure,
    disconnected,
    error_from,
    not_an_answer,
    not_set_up,
    parse_retry_after,
    timed_out,
    within,
)
from app.llm.lazy import Lazy

if TYPE_CHECKING:
    import httpx2
    from openai import APIStatusError, AsyncOpenAI
    from openai.types.responses import Response

PROVIDER = Provider.GPT

_WITHOUT_REASONING = ("gpt-4", "gpt-3", "chatgpt-", "gpt-chat-")


class OpenAIClient:
    """One attempt on the wire at a time; `azure` takes endpoint, key and version from Azure's own variables."""

    provider = PROVIDER

    def __init__(
        self,
        *,
        api_key: str | None,
        base_url: str | None = None,
        azure: bool = False,
        http_client: "httpx2.AsyncClient | None" = None,
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._azure = azure
        self._http_client = http_client
        self._sdk = Lazy(self._open, logger="openai")

    def _open(self) -> "AsyncOpenAI":
        import openai

        try:
            if self._azure:
                return openai.AsyncAzureOpenAI(max_retries=0, http_client=self._http_client)
            return openai.AsyncOpenAI(
                api_key=self._api_key,
                base_url=self._base_url,
                max_retries=0,
                http_client=self._http_client,
            )
        except (ValueError, openai.OpenAIError) as error:
            raise not_set_up(PROVIDER) from error

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """Ask once; raises a `ModelError`."""
        sdk = await self._sdk.get()
        async with on_the_wire(PROVIDER, request.timeout_s):
            create = cast("Any", sdk.responses.create)  # its overloads take no prepared body
            response = await create(**_body(request), timeout=request.timeout_s)
        return _read(response)

    async def check(self, model: str) -> None:
        """Raise a `ModelError` unless the key is taken and the model is there; Azure names deployments, not models."""
        if self._azure:
            return
        sdk = await self._sdk.get()
        async with on_the_wire(PROVIDER, CHECK_TIMEOUT_S):
            await sdk.models.retrieve(model, timeout=CHECK_TIMEOUT_S)

    async def open(self) -> None:
        """Load the SDK now instead of in the first call; it imports its resources when they are first touched."""
        sdk = await self._sdk.get()
        await asyncio.to_thread(getattr, sdk, "responses")

    async def aclose(self) -> None:
        """Close the connections."""
        if self._sdk.value is not None:
            await self._sdk.value.close()


@asynccontextmanager
async def on_the_wire(provider: Provider, timeout_s: float) -> AsyncGenerator[None]:
    """One attempt's time, and the SDK's errors in our words; for OpenAI and for compatible servers."""
    import openai

    try:
        async with within(provider, timeout_s):
            yield
    except openai.APITimeoutError as error:
        raise timed_out(provider) from error
    except openai.APIStatusError as error:
        raise _status_error(provider, error) from error
    except openai.APIConnectionError as error:
        raise disconnected(provider) from error
    except (ValueError, openai.OpenAIError) as error:  # a 200 with broken JSON is a bare ValueError
        raise not_an_answer(provider) from error


def _body(request: ModelRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": request.model,
        "instructions": request.system,
        "input": [{"role": "user", "content": _content(request)}],
        "text": {
            "format": {
                "type": "json_schema",
                "name": request.schema_name,
                "strict": True,
                "schema": request.schema,
            }
        },
        "max_output_tokens": request.max_output_tokens,
        "store": False,  # the default keeps customers' code for 30 days
    }
    if request.cache_scope:
        body["prompt_cache_key"] = request.cache_scope
    if not request.model.startswith(_WITHOUT_REASONING):
        body["reasoning"] = {"effort": request.effort}
    return body


def _content(request: ModelRequest) -> list[dict[str, Any]]:
    texts = [{"type": "input_text", "text": text} for text in (request.material, request.question) if text]
    images = [
        {
            "type": "input_image",
            "detail": "auto",
            "image_url": f"data:{image.media_type};base64,{base64.b64encode(image.data).decode()}",
        }
        for image in request.images
    ]
    return [*texts[:-1], *images, *texts[-1:]]


def _read(response: object) -> ModelResponse:
    from openai.types.responses import Response

    if not isinstance(response, Response):  # a 200 with HTML is a str
        raise not_an_answer(PROVIDER)
    usage = _usage(response.usage)
    ending = Ending(provider=PROVIDER, usage=usage, request_id=response._request_id)  # pyright: ignore[reportPrivateUsage]
    _check_status(response, ending)
    parts = [part for item in response.output or [] if item.type == "message" for part in item.content or []]
    if any(part.type == "refusal" for part in parts):
        ending.refused()
    text = "".join(part.text for part in parts if part.type == "output_text")
    return ModelResponse(
        provider=PROVIDER,
        model=str(response.model),
        text=text,
        parsed=ending.parse_json(text),
        usage=usage,
        request_id=ending.request_id,
        stop_reason=response.status,
    )


def _check_status(response: "Response", ending: Ending) -> None:
    match response.status:
        case "completed":
            return
        case "incomplete":
            _incomplete(getattr(response.incomplete_details, "reason", None), ending)
        case "failed":
            _failed(getattr(response.error, "code", None), ending)
        case other:
            ending.unknown(other)


def _incomplete(reason: str | None, ending: Ending) -> None:
    if reason == "max_output_tokens":
        ending.fail(ModelTruncated, "{vendor}'s answer was cut at the output limit.")
    if reason == "content_filter":
        ending.refused(reason)
    ending.unknown(reason)


def _failed(code: str | None, ending: Ending) -> None:
    """A response that failed inside a 200; the SDK does not raise for it."""
    if code == "rate_limit_exceeded":
        ending.fail(ModelRateLimited, "{vendor} limits the rate of requests.")
    if code == "invalid_prompt":
        ending.fail(ModelRequestRejected, "{vendor} rejected the prompt.")
    ending.fail(ModelUnavailable, "{vendor} failed while answering.")


def _usage(usage: Any) -> Usage:  # noqa: ANN401 - compatible servers leave parts out
    details = getattr(usage, "input_tokens_details", None)
    return Usage(
        input_tokens=getattr(usage, "input_tokens", None) or 0,
        cached_input_tokens=getattr(details, "cached_tokens", None) or 0,
        output_tokens=getattr(usage, "output_tokens", None) or 0,
        cache_write_tokens=getattr(details, "cache_write_tokens", None) or 0,
    )


def _status_error(provider: Provider, error: "APIStatusError") -> ModelError:
    """Our error for an HTTP status of OpenAI's or of a compatible server."""
    return error_from(
        Failure(
            provider=provider,
            status=error.status_code,
            code=error.code or error.type,
            said=str(error.body),
            retry_after_s=parse_retry_after(error.response.headers),
            request_id=error.request_id,
        )
    )
