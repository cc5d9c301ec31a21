"""Claude, over Anthropic's Messages API or Amazon Bedrock. The only module that uses the `anthropic` SDK; never retries.

https://platform.claude.com/docs/en/api/messages
"""

import json
from typing import TYPE_CHECKING, Any, cast

from app.domain.model_call import Provider, Usage
from app.errors import ModelContextTooLong, ModelError
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
from app.llm.output_limits import bare_name
from app.llm.streams import Stopwatch, StreamSupport, events, is_whole

if TYPE_CHECKING:
    import httpx2
    from anthropic import AsyncAnthropic
    from anthropic.lib.bedrock import AsyncAnthropicBedrock

PROVIDER = Provider.CLAUDE

# Models without adaptive thinking reject `effort` and `thinking: adaptive`.
# https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
_WITHOUT_EFFORT = tuple(
    f"claude-{model}"
    for model in ("3", "haiku-4", "sonnet-4-0", "sonnet-4-5", "opus-4-0", "opus-4-1", "opus-4-5")
)


class AnthropicClient:
    """Sends requests to Claude. With `bedrock`, region and credentials come from AWS's own variables."""

    provider = PROVIDER

    def __init__(
        self,
        *,
        api_key: str | None,
        base_url: str | None = None,
        bedrock: bool = False,
        http_client: "httpx2.AsyncClient | None" = None,
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._bedrock = bedrock
        self._http_client = http_client
        self._streams = StreamSupport(PROVIDER, base_url)
        self._sdk = LazyClient(self._open, close=lambda sdk: sdk.close(), logger="anthropic")

    def _open(self) -> "AsyncAnthropic | AsyncAnthropicBedrock":
        import anthropic

        try:
            if self._bedrock:
                from anthropic.lib.bedrock import AsyncAnthropicBedrock

                return AsyncAnthropicBedrock(
                    base_url=self._base_url, max_retries=0, http_client=self._http_client
                )
            return anthropic.AsyncAnthropic(
                api_key=self._api_key,
                base_url=self._base_url,
                max_retries=0,
                http_client=self._http_client,
            )
        except (ValueError, ImportError, anthropic.AnthropicError) as error:
            raise not_set_up(PROVIDER) from error

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """Ask once; raises a `ModelError`."""
        sdk = await self._sdk.get()
        if request.is_streamed and self._streams.is_supported:
            return await self._stream(sdk, request)
        async with on_the_wire(PROVIDER, request.timeout_s, _errors()):
            create = cast("Any", sdk.messages.create)  # its overloads do not accept a prepared body
            message = await create(**_body(request), timeout=request.timeout_s)
        return _read(message, request)

    async def _stream(
        self, sdk: "AsyncAnthropic | AsyncAnthropicBedrock", request: ModelRequest
    ) -> ModelResponse:
        from anthropic.types import Message

        watch = Stopwatch()
        try:
            async with (
                on_the_wire(PROVIDER, request.timeout_s, _errors()),
                cast("Any", sdk.messages.stream)(**_body(request), timeout=request.timeout_s) as stream,
            ):
                if is_whole(PROVIDER, stream.response.headers):
                    message = Message.construct(**json.loads(await stream.response.aread()))
                else:
                    async for event in events(PROVIDER, stream):
                        if event.type == "content_block_delta":
                            watch.stop()
                    message = await stream.get_final_message()
                request_id = stream.request_id
        except ModelError as error:
            raise self._streams.check(error) from error
        self._streams.succeeded()
        return _read(message, request, request_id=request_id, watch=watch)

    async def check(self, model: str) -> None:
        """Raise a `ModelError` unless Anthropic accepts the key and has the model; Bedrock cannot be checked."""
        if self._bedrock:
            return
        sdk = await self._sdk.get()
        async with on_the_wire(PROVIDER, CHECK_TIMEOUT_S, _errors()):
            await sdk.models.retrieve(model, timeout=CHECK_TIMEOUT_S)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

    async def preload(self) -> None:
        """Load the SDK now instead of in the first call."""
        await self._sdk.get()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sdk.aclose()


def _errors() -> SdkErrors:
    import anthropic

    return stainless_errors(PROVIDER, anthropic, anthropic.AnthropicError)


def _body(request: ModelRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_output_tokens,
        "messages": [{"role": "user", "content": ordered_parts(request, text=_text, image=_image)}],
    }
    output: dict[str, Any] = {}
    if request.is_schema_enforced:
        output["format"] = {"type": "json_schema", "schema": request.schema}
    if request.system:
        body["system"] = [_text(request.system)]
    if request.prefix_reused:  # writing a breakpoint costs 25 % more: only if a second call reads it
        last = body["messages"][0]["content"][0] if request.material else body.get("system", [{}])[0]
        last["cache_control"] = {"type": "ephemeral"}
    if not bare_name(request.model).startswith(_WITHOUT_EFFORT):
        output["effort"] = request.effort
        body["thinking"] = {"type": "adaptive"}
    if output:
        body["output_config"] = output
    return body


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _image(image: Image) -> dict[str, Any]:
    source = {"type": "base64", "media_type": image.media_type, "data": image.base64}
    return {"type": "image", "source": source}


def _read(
    message: object, request: ModelRequest, *, request_id: str | None = None, watch: Stopwatch | None = None
) -> ModelResponse:
    from anthropic.types import Message

    if not isinstance(message, Message):  # a 200 with HTML is a str
        raise not_an_answer(PROVIDER)
    ending = ResponseOutcome(
        provider=PROVIDER,
        usage=_usage(message.usage),
        request_id=getattr(message, "_request_id", None) or request_id,
    )
    match message.stop_reason:
        case "end_turn" | "stop_sequence":
            pass
        case "refusal":
            ending.refused(getattr(message.stop_details, "category", None))
        case "max_tokens":
            ending.truncated()
        case "model_context_window_exceeded":
            ending.fail(ModelContextTooLong, "The request is too long for the model at {vendor}.")
        case other:
            ending.unknown(other)
    text = "".join(block.text for block in message.content or [] if block.type == "text")
    return ending.answer(
        text, request=request, model=message.model, stop_reason=message.stop_reason, watch=watch
    )


def _usage(usage: object) -> Usage:
    """Read the usage. The API's `input_tokens` excludes tokens read from and written to the cache."""
    written, cached = count(usage, "cache_creation_input_tokens"), count(usage, "cache_read_input_tokens")
    return Usage(
        input_tokens=count(usage, "input_tokens") + written + cached,
        cached_input_tokens=cached,
        output_tokens=count(usage, "output_tokens"),
        cache_write_tokens=written,
    )
