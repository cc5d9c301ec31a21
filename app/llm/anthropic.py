"""Claude, over Anthropic's Messages API or Amazon Bedrock. The only module that knows the `anthropic` SDK; never retries.

https://platform.claude.com/docs/en/api/messages
"""

import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from app.domain.model_call import Provider, Usage
from app.errors import ModelContextTooLong, ModelError, ModelTruncated
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
    from anthropic import AsyncAnthropic
    from anthropic.lib.bedrock import AsyncAnthropicBedrock

PROVIDER = Provider.CLAUDE

# Models before adaptive thinking reject `effort` and `thinking: adaptive`.
# https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
_WITHOUT_EFFORT = tuple(
    f"claude-{model}"
    for model in ("3", "haiku-4", "sonnet-4-0", "sonnet-4-5", "opus-4-0", "opus-4-1", "opus-4-5")
)


class AnthropicClient:
    """One attempt on the wire at a time; `bedrock` takes region and credentials from AWS's own variables."""

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
        self._sdk = Lazy(self._open, logger="anthropic")

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
        async with _on_the_wire(request.timeout_s):
            create = cast("Any", sdk.messages.create)  # its overloads take no prepared body
            message = await create(**_body(request), timeout=request.timeout_s)
        return _read(message)

    async def check(self, model: str) -> None:
        """Raise a `ModelError` unless the key is taken and the model is there; Bedrock has no such question."""
        if self._bedrock:
            return
        sdk = await self._sdk.get()
        async with _on_the_wire(CHECK_TIMEOUT_S):
            await sdk.models.retrieve(model, timeout=CHECK_TIMEOUT_S)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

    async def open(self) -> None:
        """Load the SDK now instead of in the first call."""
        await self._sdk.get()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._sdk.value is not None:
            await self._sdk.value.close()


@asynccontextmanager
async def _on_the_wire(timeout_s: float) -> AsyncGenerator[None]:
    """One attempt's time, and the SDK's errors in our words."""
    import anthropic

    try:
        async with within(PROVIDER, timeout_s):
            yield
    except anthropic.APITimeoutError as error:
        raise timed_out(PROVIDER) from error
    except anthropic.APIStatusError as error:
        raise _status_error(error) from error
    except anthropic.APIConnectionError as error:
        raise disconnected(PROVIDER) from error
    except ImportError as error:  # AWS credentials other than a token need `anthropic[bedrock]`
        raise not_set_up(PROVIDER) from error
    except (ValueError, anthropic.AnthropicError) as error:  # a 200 with broken JSON is a bare ValueError
        raise not_an_answer(PROVIDER) from error


def _body(request: ModelRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.max_output_tokens,
        "messages": [{"role": "user", "content": _content(request)}],
        "output_config": {"format": {"type": "json_schema", "schema": request.schema}},
    }
    if request.system:
        body["system"] = [{"type": "text", "text": request.system}]
    if request.prefix_reused:  # a breakpoint costs a quarter more to write: only where a second call reads it
        last = body["messages"][0]["content"][0] if request.material else body.get("system", [{}])[0]
        last["cache_control"] = {"type": "ephemeral"}
    if not request.model.startswith(_WITHOUT_EFFORT):
        body["output_config"]["effort"] = request.effort
        body["thinking"] = {"type": "adaptive"}
    return body


def _content(request: ModelRequest) -> list[dict[str, Any]]:
    texts = [{"type": "text", "text": text} for text in (request.material, request.question) if text]
    images = [
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": image.media_type,
                "data": base64.b64encode(image.data).decode(),
            },
        }
        for image in request.images
    ]
    return [*texts[:-1], *images, *texts[-1:]]


def _read(message: object) -> ModelResponse:
    from anthropic.types import Message

    if not isinstance(message, Message):  # a 200 with HTML is a str
        raise not_an_answer(PROVIDER)
    usage = _usage(message.usage)
    ending = Ending(provider=PROVIDER, usage=usage, request_id=message._request_id)  # pyright: ignore[reportPrivateUsage]
    match message.stop_reason:
        case "end_turn" | "stop_sequence":
            pass
        case "refusal":
            ending.refused(getattr(message.stop_details, "category", None))
        case "max_tokens":
            ending.fail(ModelTruncated, "{vendor}'s answer was cut at the output limit.")
        case "model_context_window_exceeded":
            ending.fail(ModelContextTooLong, "The request is too long for the model at {vendor}.")
        case other:
            ending.unknown(other)
    text = "".join(block.text for block in message.content or [] if block.type == "text")
    return ModelResponse(
        provider=PROVIDER,
        model=message.model,
        text=text,
        parsed=ending.parse_json(text),
        usage=usage,
        request_id=ending.request_id,
        stop_reason=message.stop_reason,
    )


def _usage(usage: Any) -> Usage:  # noqa: ANN401 - the SDK does not validate: every field may be missing
    """`input_tokens` of the wire leaves out what was read from and written to the cache."""
    written = getattr(usage, "cache_creation_input_tokens", None) or 0
    cached = getattr(usage, "cache_read_input_tokens", None) or 0
    return Usage(
        input_tokens=(getattr(usage, "input_tokens", None) or 0) + written + cached,
        cached_input_tokens=cached,
        output_tokens=getattr(usage, "output_tokens", None) or 0,
        cache_write_tokens=written,
    )


def _status_error(error: Any) -> ModelError:  # noqa: ANN401 - APIStatusError; the SDK is imported lazily
    return error_from(
        Failure(
            provider=PROVIDER,
            status=error.status_code,
            code=error.error_code or error.type,
            said=str(error.body),
            retry_after_s=parse_retry_after(error.response.headers),
            request_id=error.request_id,
        )
    )
