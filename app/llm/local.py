"""A local, OpenAI-compatible server, over Chat Completions (vLLM, Ollama, llama.cpp, LM Studio). Costs nothing.

Servers differ in what they accept, so the client tries JSON schema, JSON mode and the prompt alone, one step further after
each rejection, and remembers the step for each model. Never retries.

https://platform.openai.com/docs/api-reference/chat/create
"""

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from app.domain.model_call import Provider, Usage
from app.errors import (
    ModelError,
    ModelFormatUnsupported,
    ModelNotFound,
    ModelRequestRejected,
    ModelUnavailable,
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
LADDER = ("json_schema", "json_object", "prompt")


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
        self._step: dict[str, int] = {}

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
        """Ask once; raises a `ModelError`.

        Raises:
            ModelFormatUnsupported: the server rejects this way of requesting JSON; the next attempt uses another.
        """
        async with self._slots:
            step = self._step.get(request.model, 0)
            try:
                return _read(await self._send(request, LADDER[step]), request)
            except (ModelRequestRejected, ModelUnavailable) as error:
                if step + 1 == len(LADDER) or not _is_about_the_form(error):
                    raise
                self._step[request.model] = step + 1
                raise ModelFormatUnsupported(
                    f"The local server does not support {LADDER[step]}.", provider=PROVIDER
                ) from error

    async def _send(self, request: ModelRequest, mode: str) -> object:
        sdk = await self._sdk.get()
        async with on_the_wire(PROVIDER, request.timeout_s, _errors()):
            create = cast("Any", sdk.chat.completions.create)  # its overloads do not accept a prepared body
            return await create(**_body(request, mode), timeout=request.timeout_s)

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


def _is_about_the_form(error: ModelError) -> bool:
    """Whether the server may reject how JSON is requested; llama-cpp-python answers 500 to a form that it does not know."""
    return isinstance(error, ModelRequestRejected) or getattr(error.__cause__, "status_code", None) == 500


def _errors() -> SdkErrors:
    import openai

    return stainless_errors(PROVIDER, openai, openai.OpenAIError)


def _body(request: ModelRequest, mode: str) -> dict[str, Any]:
    if mode != "json_schema":
        schema = json.dumps(request.schema)
        asked = f"{request.question}\n\nAnswer with one JSON value and nothing else. Its schema:\n{schema}"
        request = replace(request, question=asked)
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [
            {"role": "system", "content": request.system},
            {"role": "user", "content": _content(request)},
        ],
        "max_tokens": request.max_output_tokens,  # not all compatible servers support max_completion_tokens
    }
    if mode == "json_schema":
        schema = {"name": request.schema_name, "strict": True, "schema": request.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif mode == "json_object":
        body["response_format"] = {"type": "json_object"}
    return body


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
    wanted = request.schema.get("required", ())
    return ending.answer(
        _said(choice.message),
        model=completion.model or request.model,
        stop_reason=choice.finish_reason,
        wanted=wanted,
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
