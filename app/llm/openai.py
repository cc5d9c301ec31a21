"""GPT, over OpenAI's Responses API or Azure OpenAI. Uses the `openai` SDK; never retries. OpenAI stores no answers.

https://platform.openai.com/docs/api-reference/responses/create
"""

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

from app.domain.model_call import Provider, Rung, Usage
from app.errors import ModelError, ModelRateLimited, ModelRequestRejected, ModelUnavailable
from app.llm.adapter import (
    LazyClient,
    ResponseOutcome,
    SdkErrors,
    count,
    on_the_wire,
    ordered_parts,
    stainless_errors,
)
from app.llm.client import Image, ModelRequest, ModelResponse
from app.llm.failures import CHECK_TIMEOUT_S, not_an_answer, not_set_up
from app.llm.streams import Stopwatch, StreamSupport, events, is_whole

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI
    from openai.types.responses import Response

PROVIDER = Provider.GPT

_POLICIES = ("_policy", "_policy_violation", "content_filter")  # codes of a refusal inside a 200
_WITHOUT_REASONING = ("gpt-4", "gpt-3", "chatgpt-", "gpt-chat-")


class OpenAIClient:
    """Sends requests to GPT. With `azure`, endpoint, key and version come from Azure's own variables."""

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
        self._streams = StreamSupport(PROVIDER, base_url)
        self._sdk = LazyClient(self._open, close=lambda sdk: sdk.close(), logger="openai")

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
        if request.is_streamed and self._streams.is_supported:
            return await self._stream(sdk, request)
        async with on_the_wire(PROVIDER, request.timeout_s, _errors()):
            create = cast("Any", sdk.responses.create)  # its overloads do not accept a prepared body
            response = await create(**_body(request), timeout=request.timeout_s)
        return _read(response, request)

    async def _stream(self, sdk: "AsyncOpenAI", request: ModelRequest) -> ModelResponse:
        watch = Stopwatch()
        try:
            async with on_the_wire(PROVIDER, request.timeout_s, _errors()):
                create = cast("Any", sdk.responses.create)
                async with await create(**_body(request), stream=True, timeout=request.timeout_s) as stream:
                    response = await _last(stream, watch)
                    request_id = stream.response.headers.get("x-request-id")
        except ModelError as error:
            raise self._streams.check(error) from error
        self._streams.succeeded()
        return _read(response, request, request_id=request_id, watch=watch)

    async def check(self, model: str) -> None:
        """Raise a `ModelError` unless OpenAI accepts the key and has the model; Azure names deployments, not models."""
        if self._azure:
            return
        sdk = await self._sdk.get()
        async with on_the_wire(PROVIDER, CHECK_TIMEOUT_S, _errors()):
            await sdk.models.retrieve(model, timeout=CHECK_TIMEOUT_S)

    async def preload(self) -> None:
        """Load the SDK now instead of in the first call; it imports its resources on first access."""
        sdk = await self._sdk.get()
        await asyncio.to_thread(getattr, sdk, "responses")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sdk.aclose()


async def _last(stream: Any, watch: Stopwatch) -> object:  # noqa: ANN401 - the SDK's stream; it is imported lazily
    """Return the response in the stream's last event; None if the stream ends without one."""
    from openai.types.responses import Response

    if is_whole(PROVIDER, stream.response.headers):
        return Response.construct(**json.loads(await stream.response.aread()))
    last: object = None
    async for event in events(PROVIDER, stream):
        if event.type.endswith(".delta"):
            watch.stop()
        if event.type in ("response.completed", "response.incomplete", "response.failed"):
            last = event.response
    return last


def _errors() -> SdkErrors:
    import openai

    return stainless_errors(PROVIDER, openai, openai.OpenAIError)


def _body(request: ModelRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": request.model,
        "instructions": request.system,
        "input": [{"role": "user", "content": ordered_parts(request, text=_text, image=_image)}],
        "max_output_tokens": request.max_output_tokens,
        "store": False,  # by default, OpenAI stores the code for 30 days
    }
    if form := _format(request):
        body["text"] = {"format": form}
    if request.cache_scope:
        body["prompt_cache_key"] = request.cache_scope
    if not request.model.startswith(_WITHOUT_REASONING):
        body["reasoning"] = {"effort": request.effort}
    return body


def _format(request: ModelRequest) -> dict[str, Any] | None:
    match request.rung:
        case Rung.SCHEMA | Rung.OPEN_SCHEMA:
            name, schema = request.schema_name, request.schema
            return {"type": "json_schema", "name": name, "strict": True, "schema": schema}
        case Rung.JSON_MODE:
            return {"type": "json_object"}
        case Rung.PROMPT:
            return None


def _text(text: str) -> dict[str, Any]:
    return {"type": "input_text", "text": text}


def _image(image: Image) -> dict[str, Any]:
    return {"type": "input_image", "detail": "auto", "image_url": image.data_url}


def _read(
    response: object, request: ModelRequest, *, request_id: str | None = None, watch: Stopwatch | None = None
) -> ModelResponse:
    from openai.types.responses import Response

    if not isinstance(response, Response):  # a 200 with HTML is a str
        raise not_an_answer(PROVIDER)
    ending = ResponseOutcome(
        provider=PROVIDER,
        usage=_usage(response.usage),
        request_id=getattr(response, "_request_id", None) or request_id,
    )
    _check_status(response, ending)
    messages = [item for item in response.output or [] if item.type == "message"]
    content = [part for message in messages for part in message.content or []]
    if any(part.type == "refusal" for part in content):
        ending.refused()
    text = "".join(part.text for part in content if part.type == "output_text")
    return ending.answer(
        text, request=request, model=str(response.model), stop_reason=response.status, watch=watch
    )


def _check_status(response: "Response", ending: ResponseOutcome) -> None:
    """Raise unless the response is complete: a 200 can contain a failure, for which the SDK does not raise."""
    reason = getattr(response.incomplete_details, "reason", None)
    match response.status, reason or getattr(response.error, "code", None):
        case "completed", _:
            return
        case "incomplete", "max_output_tokens":
            ending.truncated()
        case "incomplete" | "failed", str() as code if code.endswith(_POLICIES):
            ending.refused(code)
        case "failed", "rate_limit_exceeded":
            ending.fail(ModelRateLimited, "{vendor} limits the rate of requests.")
        case "failed", "invalid_prompt":
            ending.fail(ModelRequestRejected, "{vendor} rejected the prompt.")
        case "failed", _:
            ending.fail(ModelUnavailable, "{vendor} failed while answering.")
        case status, _:
            ending.unknown(reason or status)


def _usage(usage: object) -> Usage:
    details = getattr(usage, "input_tokens_details", None)
    return Usage(
        input_tokens=count(usage, "input_tokens"),
        cached_input_tokens=count(details, "cached_tokens"),
        output_tokens=count(usage, "output_tokens"),
        cache_write_tokens=count(details, "cache_write_tokens"),
    )
