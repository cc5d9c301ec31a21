"""Gemini, over the Gemini API or Google Vertex. The only module that uses `google.genai`; never retries.

https://ai.google.dev/api/generate-content
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from app.domain.model_call import Provider, Rung, Usage
from app.errors import ModelError, ModelUnavailable
from app.llm.adapter import LazyClient, ResponseOutcome, SdkErrors, count, on_the_wire, ordered_parts
from app.llm.client import ModelRequest, ModelResponse
from app.llm.failures import CHECK_TIMEOUT_S, not_set_up
from app.llm.streams import Stopwatch, StreamSupport, events
from app.llm.vendor_errors import VendorFailure, parse_retry_after

if TYPE_CHECKING:
    import httpx2
    from google.genai import Client
    from google.genai.types import GenerateContentConfig, GenerateContentResponse

PROVIDER = Provider.GEMINI

CHECK_TIMEOUT_MS = round(CHECK_TIMEOUT_S * 1000)

# https://ai.google.dev/api/generate-content#FinishReason
_BLOCKED = ("SAFETY", "PROHIBITED_CONTENT", "SPII", "BLOCKLIST", "MODEL_ARMOR", "JAILBREAK")
_DECLINED = (*_BLOCKED, "RECITATION", "LANGUAGE")
_MALFORMED = ("OTHER", "MALFORMED_RESPONSE", "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL")
_RETRY_DELAY = re.compile(r"'retryDelay': '(\d+(?:\.\d+)?)s'")


class GeminiClient:
    """One attempt on the wire at a time; `vertex` takes project, location and credentials from Google's own variables."""

    provider = PROVIDER

    def __init__(
        self,
        *,
        api_key: str | None,
        base_url: str | None = None,
        api_version: str | None = None,
        vertex: bool = False,
        http_client: "httpx2.AsyncClient | None" = None,
    ) -> None:
        self._api_key = api_key
        self._base_url = base_url
        self._api_version = api_version
        self._vertex = vertex
        self._http_client = http_client
        self._streams = StreamSupport(PROVIDER, base_url)
        self._sdk = LazyClient(self._open, close=lambda sdk: sdk.aio.aclose(), logger="google_genai")

    def _open(self) -> "Client":
        from google import genai
        from google.auth.exceptions import GoogleAuthError

        options = genai.types.HttpOptions(
            base_url=self._base_url, api_version=self._api_version, httpx_async_client=self._http_client
        )
        try:
            if self._vertex:
                return genai.Client(vertexai=True, http_options=options)
            return genai.Client(vertexai=False, api_key=self._api_key, http_options=options)
        except (ValueError, GoogleAuthError) as error:
            raise not_set_up(PROVIDER) from error

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """Ask once; raises a `ModelError`."""
        sdk = await self._sdk.get()
        if request.is_streamed and self._streams.is_supported:
            return await self._stream(sdk, request)
        async with on_the_wire(PROVIDER, request.timeout_s, _errors()):
            response = await sdk.aio.models.generate_content(  # pyright: ignore[reportUnknownMemberType]
                model=request.model, contents=cast("Any", _contents(request)), config=_config(request)
            )
        return _read([response], request)

    async def _stream(self, sdk: "Client", request: ModelRequest) -> ModelResponse:
        watch = Stopwatch()
        chunks: list[GenerateContentResponse] = []
        try:
            async with on_the_wire(PROVIDER, request.timeout_s, _errors()):
                stream = await sdk.aio.models.generate_content_stream(  # pyright: ignore[reportUnknownMemberType]
                    model=request.model, contents=cast("Any", _contents(request)), config=_config(request)
                )
                async for chunk in events(PROVIDER, stream):
                    watch.stop()
                    chunks.append(chunk)
        except ModelError as error:
            raise self._streams.check(error) from error
        self._streams.succeeded()
        return _read(chunks, request, watch=watch)

    async def check(self, model: str) -> None:
        """Raise a `ModelError` unless Google accepts the key and has the model."""
        sdk = await self._sdk.get()
        async with on_the_wire(PROVIDER, CHECK_TIMEOUT_S, _errors()):
            await sdk.aio.models.get(model=model, config={"http_options": {"timeout": CHECK_TIMEOUT_MS}})

    async def preload(self) -> None:
        """Load the SDK now instead of in the first call."""
        await self._sdk.get()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sdk.aclose()


def _errors() -> SdkErrors:
    """Include the transport's errors, which the SDK does not wrap."""
    import httpx2
    from google.auth.exceptions import GoogleAuthError
    from google.genai import errors

    return SdkErrors(
        timeout=(httpx2.TimeoutException,),
        status=(errors.APIError,),
        failure=_failure,
        connection=(httpx2.HTTPError,),
        set_up=(GoogleAuthError,),
        no_answer=(ValueError, TypeError, AttributeError),
    )


def _failure(error: Any) -> VendorFailure:  # noqa: ANN401 - APIError; the SDK is imported lazily
    text = str(error.details)
    headers = cast("Mapping[str, str]", getattr(error.response, "headers", None) or {})
    delay = _RETRY_DELAY.search(text)
    return VendorFailure(
        provider=PROVIDER,
        status=error.code,
        code=error.status,
        text=text,
        retry_after_s=float(delay[1]) if delay else parse_retry_after(headers),
        request_id=headers.get("x-request-id"),
    )


def _contents(request: ModelRequest) -> object:
    from google.genai.types import Part

    return ordered_parts(
        request,
        text=lambda text: Part(text=text),
        image=lambda image: Part.from_bytes(data=image.data, mime_type=image.media_type),
    )


def _config(request: ModelRequest) -> "GenerateContentConfig":
    from google.genai import types

    thinking = None
    if request.effort != "medium" and not request.model.startswith(("gemini-2", "gemini-1")):
        thinking = types.ThinkingConfig(thinking_level=types.ThinkingLevel(request.effort.upper()))
    return types.GenerateContentConfig(
        system_instruction=request.system or None,
        response_mime_type=None if request.rung is Rung.PROMPT else "application/json",
        response_json_schema=request.schema if request.is_schema_enforced else None,
        max_output_tokens=request.max_output_tokens,
        thinking_config=thinking,
        automatic_continuation=False,  # it would send more requests that are not counted
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        http_options=types.HttpOptions(timeout=max(1, round(request.timeout_s * 1000))),  # milliseconds
    )


def _read(
    chunks: "Sequence[GenerateContentResponse]", request: ModelRequest, *, watch: Stopwatch | None = None
) -> ModelResponse:
    """Read the parts of an answer; one that was not streamed has a single part. The last usage is the total."""
    usage = next((each.usage_metadata for each in reversed(chunks) if each.usage_metadata), None)
    last = chunks[-1] if chunks else None
    ending = ResponseOutcome(
        provider=PROVIDER, usage=_usage(usage), request_id=last.response_id if last else None
    )
    for chunk in chunks:
        if chunk.prompt_feedback and (blocked := chunk.prompt_feedback.block_reason):
            ending.refused(blocked.value)
    candidates = [chunk.candidates[0] for chunk in chunks if chunk.candidates]
    if not candidates or last is None:
        ending.fail(ModelUnavailable, "{vendor} did not send an answer.")
    reasons = [each.finish_reason.value for each in candidates if each.finish_reason]
    reason = reasons[-1] if reasons else None
    _check_finish(reason, ending)
    parts = [part for each in candidates for part in (each.content.parts if each.content else None) or []]
    text = "".join(part.text for part in parts if part.text and not part.thought)
    return ending.answer(
        text, request=request, model=last.model_version or request.model, stop_reason=reason, watch=watch
    )


def _check_finish(reason: str | None, ending: ResponseOutcome) -> None:
    if reason == "STOP":
        return
    if reason == "MAX_TOKENS":
        ending.truncated()
    if reason in _DECLINED:
        ending.refused(reason)
    if reason in _MALFORMED:
        ending.fail(ModelUnavailable, f"{{vendor}} failed while answering ({reason}).")
    ending.unknown(reason)


def _usage(usage: object) -> Usage:
    """`candidates_token_count` excludes the thoughts, which are billed as output."""
    return Usage(
        input_tokens=count(usage, "prompt_token_count"),
        cached_input_tokens=count(usage, "cached_content_token_count"),
        output_tokens=count(usage, "candidates_token_count") + count(usage, "thoughts_token_count"),
    )
