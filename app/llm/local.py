"""A local, OpenAI-compatible server, over Chat Completions (vLLM, Ollama, llama.cpp, LM Studio). Costs nothing.

Never retries.

https://platform.openai.com/docs/api-reference/chat/create
"""

import asyncio
from typing import TYPE_CHECKING, Any, cast

from app.domain.model_call import Provider, Rung, Usage
from app.errors import (
    ModelNotFound,
)
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

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

PROVIDER = Provider.LOCAL


class LocalClient:
    """Makes one attempt at a time, because concurrent calls are slower. Waiting does not count toward the timeout."""

    provider = PROVIDER

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str | None = None,
        concurrency: int = 1,
        http_client: "httpx2.AsyncClient | None" = None,
    ) -> None:
        self._base_url = base_url
        self._api_key = api_key or "none"  # the SDK requires one
        self._http_client = http_client
        self._sdk = LazyClient(self._open, close=lambda sdk: sdk.close(), logger="openai")
        self._slots = asyncio.Semaphore(concurrency)

    def _open(self) -> "AsyncOpenAI":
        import openai

        try:
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
        async with self._slots:
            sdk = await self._sdk.get()
            async with on_the_wire(PROVIDER, request.timeout_s, _errors()):
                create = cast(
                    "Any", sdk.chat.completions.create
                )  # its overloads do not accept a prepared body
                completion = await create(**_body(request), timeout=request.timeout_s)
        return _read(completion, request)

    async def check(self, model: str) -> None:
        """Raise a `ModelError` unless the server answers and lists the model."""
        sdk = await self._sdk.get()
        async with on_the_wire(PROVIDER, CHECK_TIMEOUT_S, _errors()):
            listed = [each.id async for each in sdk.models.list(timeout=CHECK_TIMEOUT_S)]
        if model not in listed:
            raise ModelNotFound("The local server does not list this model.", provider=PROVIDER)

    async def preload(self) -> None:
        """Load the SDK now instead of in the first call."""
        await self._sdk.get()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sdk.aclose()


def _errors() -> SdkErrors:
    import openai

    return stainless_errors(PROVIDER, openai, openai.OpenAIError)


def _body(request: ModelRequest) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [
            {"role": "system", "content": request.system},
            {"role": "user", "content": _content(request)},
        ],
        "max_tokens": request.max_output_tokens,  # not all compatible servers support max_completion_tokens
    }
    if form := _format(request):
        body["response_format"] = form
    return body


def _format(request: ModelRequest) -> dict[str, Any] | None:
    match request.rung:
        case Rung.SCHEMA | Rung.OPEN_SCHEMA:
            schema = {"name": request.schema_name, "strict": True, "schema": request.schema}
            return {"type": "json_schema", "json_schema": schema}
        case Rung.JSON_MODE:
            return {"type": "json_object"}
        case Rung.PROMPT:
            return None


def _content(request: ModelRequest) -> str | list[dict[str, Any]]:
    """Return one string, or parts if there are images: some servers accept only strings."""
    if not request.images:
        return "\n\n".join(text for text in (request.material, request.question) if text)
    return ordered_parts(request, text=_text, image=_image)


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _image(image: Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": image.data_url}}


def _read(completion: object, request: ModelRequest) -> ModelResponse:
    from openai.types.chat import ChatCompletion

    if not isinstance(completion, ChatCompletion):  # a 200 with HTML is a str
        raise not_an_answer(PROVIDER)
    ending = ResponseOutcome(provider=PROVIDER, usage=_usage(completion.usage), request_id=completion.id)
    if not completion.choices:
        raise not_an_answer(PROVIDER)
    choice = completion.choices[0]
    match choice.finish_reason:
        case "stop":
            pass
        case "length":
            ending.truncated()
        case "content_filter":
            ending.refused("content_filter")
        case other:
            ending.unknown(other)
    if choice.message.refusal:
        ending.refused()
    return ending.answer(
        _said(choice.message),
        request=request,
        model=completion.model or request.model,
        stop_reason=choice.finish_reason,
    )


def _said(message: object) -> str:
    """Return the answer; a server that takes all of it for thoughts sends it in another field."""
    texts = (getattr(message, name, None) for name in ("content", "reasoning_content", "reasoning"))
    return next((text for text in texts if isinstance(text, str) and text.strip()), "")


def _usage(usage: object) -> Usage:
    return Usage(
        input_tokens=count(usage, "prompt_tokens"),
        cached_input_tokens=count(getattr(usage, "prompt_tokens_details", None), "cached_tokens"),
        output_tokens=count(usage, "completion_tokens"),
    )
