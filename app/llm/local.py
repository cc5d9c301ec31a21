"""An OpenAI-compatible server, over Chat Completions: a local one (vLLM, Ollama, llama.cpp, LM Studio) or a gateway.

Never retries, except with the other name of the output limit.

https://platform.openai.com/docs/api-reference/chat/create
"""

import json
from typing import TYPE_CHECKING, Any, cast

from app.domain.model_call import Provider, Rung, Usage
from app.errors import ModelError, ModelNotFound, ModelStreamRefused
from app.llm.adapter import (
    LazyClient,
    ResponseOutcome,
    SdkErrors,
    count,
    on_the_wire,
    ordered_parts,
    stainless_errors,
)
from app.llm.client import Image, JsonSchema, ModelRequest, ModelResponse
from app.llm.failures import CHECK_TIMEOUT_S, name_of, not_an_answer, not_set_up
from app.llm.ladder import with_short_lists
from app.llm.output_limits import output_limit
from app.llm.servers import ServerOptions
from app.llm.streams import Stopwatch, StreamSupport, events, is_whole

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI, Omit
    from openai.types.chat import ChatCompletion

    Headers = dict[str, str | Omit]

_LLAMA_CPP_PYTHON = (
    "Input should be 'text' or 'json_object'"  # what its server says to the form `json_schema`
)
LIMIT, NEW_LIMIT = "max_tokens", "max_completion_tokens"


class LocalClient:
    """Sends requests to one server. Streams only if the operator says so, because many servers report no usage then."""

    def __init__(
        self,
        *,
        provider: Provider = Provider.LOCAL,
        base_url: str,
        api_key: str | None = None,
        options: ServerOptions = ServerOptions(),  # noqa: B008 - a frozen value
        http_client: "httpx2.AsyncClient | None" = None,
    ) -> None:
        self.provider = provider
        self._base_url = base_url
        self._api_key = api_key
        self._options = options
        self._http_client = http_client
        self._sdk = LazyClient(self._open, close=lambda sdk: sdk.close(), logger="openai")
        self._limit = LIMIT  # the name of the output limit that the server accepts
        self._takes_schema = False  # in JSON mode; llama-cpp-python then makes a grammar of it
        self._streams = StreamSupport(provider, base_url)

    def _open(self) -> "AsyncOpenAI":
        import openai

        try:
            return openai.AsyncOpenAI(
                api_key=self._api_key or "none",  # the SDK requires one
                base_url=self._base_url,
                default_query=dict(self._options.query),
                max_retries=0,
                http_client=self._http_client,
            )
        except (ValueError, openai.OpenAIError) as error:
            raise not_set_up(self.provider) from error

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """Ask once; raises a `ModelError`."""
        sdk = await self._sdk.get()
        if self._options.is_streamed and self._streams.is_supported:
            return await self._stream(sdk, request)
        async with on_the_wire(self.provider, request.timeout_s, self._errors()):
            completion = await self._create(sdk, request)
        return self._read(completion, request)

    async def _stream(self, sdk: "AsyncOpenAI", request: ModelRequest) -> ModelResponse:
        watch = Stopwatch()
        try:
            async with on_the_wire(self.provider, request.timeout_s, self._errors()):
                stream = await self._create(sdk, request, stream=True, stream_options={"include_usage": True})
                async with stream:
                    completion = await _collect(self.provider, stream, watch)
        except ModelError as error:
            raise self._streams.check(error) from error
        self._streams.succeeded()
        if completion.usage is None:
            self._streams.is_supported = False
            raise ModelStreamRefused(
                f"{name_of(self.provider)} reports no usage with a streamed answer.",
                provider=self.provider,
                request_id=completion.id,
            )
        return self._read(completion, request, watch=watch)

    async def _create(self, sdk: "AsyncOpenAI", request: ModelRequest, **form: object) -> Any:  # noqa: ANN401 - a completion or a stream
        """Send the request; once more if the server demands the other name of the output limit."""
        import openai

        create = cast("Any", sdk.chat.completions.create)  # its overloads do not accept a prepared body
        allowed = output_limit(
            self.provider,
            request.model,
            request.max_output_tokens,
            context_tokens=self._options.context_tokens,
        )
        grammar = with_short_lists(request.schema, allowed) if self._takes_schema else None
        name, body = self._limit, {**_body(request, grammar=grammar), **form}
        extra = {
            "timeout": request.timeout_s,
            "extra_headers": self._headers(),
            "extra_body": dict(self._options.body),
        }
        try:
            return await create(**body, **{name: allowed}, **extra)
        except openai.APIStatusError as error:
            self._takes_schema |= _LLAMA_CPP_PYTHON in error.response.text
            if name == NEW_LIMIT or error.status_code != 400 or NEW_LIMIT not in str(error.body):
                raise
        self._limit = NEW_LIMIT
        return await create(**body, **{NEW_LIMIT: allowed}, **extra)

    def _headers(self) -> "Headers":
        """Return the key in the server's own header, if it has one; the SDK then must be told to send no other."""
        import openai

        name = self._options.api_key_header
        return {name: self._api_key or "", "Authorization": openai.Omit()} if name else {}

    async def check(self, model: str) -> None:
        """Raise a `ModelError` unless the server answers and lists the model."""
        sdk = await self._sdk.get()
        async with on_the_wire(self.provider, CHECK_TIMEOUT_S, self._errors()):
            listed = [
                each.id
                async for each in sdk.models.list(extra_headers=self._headers(), timeout=CHECK_TIMEOUT_S)
            ]
        if model not in listed:
            raise ModelNotFound(f"{name_of(self.provider)} does not list this model.", provider=self.provider)

    async def preload(self) -> None:
        """Load the SDK now instead of in the first call."""
        await self._sdk.get()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._sdk.aclose()

    def _errors(self) -> SdkErrors:
        import openai

        return stainless_errors(self.provider, openai, openai.OpenAIError)

    def _read(
        self, completion: object, request: ModelRequest, *, watch: Stopwatch | None = None
    ) -> ModelResponse:
        from openai.types.chat import ChatCompletion

        if not isinstance(completion, ChatCompletion):  # a 200 with HTML is a str
            raise not_an_answer(self.provider)
        ending = ResponseOutcome(
            provider=self.provider, usage=_usage(completion.usage), request_id=completion.id
        )
        if not completion.choices:
            raise not_an_answer(self.provider)
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
            watch=watch,
        )


async def _collect(provider: Provider, stream: Any, watch: Stopwatch) -> "ChatCompletion":  # noqa: ANN401 - the SDK's stream
    """Return the streamed answer as if it had come whole."""
    from openai.types.chat import ChatCompletion

    if is_whole(provider, stream.response.headers):
        return ChatCompletion.construct(**json.loads(await stream.response.aread()))
    texts: dict[str, str] = {}
    whole: dict[str, Any] = {"usage": None}
    finish_reason: str | None = None
    async for chunk in events(provider, stream):
        whole |= {"id": chunk.id, "model": chunk.model}
        whole["usage"] = chunk.usage or whole["usage"]
        for choice in cast("list[Any]", chunk.choices or [])[:1]:
            finish_reason = choice.finish_reason or finish_reason
            for name in (*_TEXTS, "refusal"):
                if piece := getattr(choice.delta, name, None):
                    watch.stop()
                    texts[name] = texts.get(name, "") + piece
    choices = [{"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", **texts}}]
    return ChatCompletion.construct(**whole, choices=choices)


def _body(request: ModelRequest, *, grammar: JsonSchema | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [
            {"role": "system", "content": request.system},
            {"role": "user", "content": _content(request)},
        ],
    }
    if form := _format(request, grammar=grammar):
        body["response_format"] = form
    return body


def _format(request: ModelRequest, *, grammar: JsonSchema | None) -> dict[str, Any] | None:
    match request.rung:
        case Rung.SCHEMA | Rung.OPEN_SCHEMA:
            schema = {"name": request.schema_name, "strict": True, "schema": request.schema}
            return {"type": "json_schema", "json_schema": schema}
        case Rung.JSON_MODE:
            return {"type": "json_object"} | ({"schema": grammar} if grammar else {})
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


_TEXTS = ("content", "reasoning_content", "reasoning")


def _said(message: object) -> str:
    """Return the answer; a server that takes all of it for thoughts sends it in another field."""
    texts = (getattr(message, name, None) for name in _TEXTS)
    return next((text for text in texts if isinstance(text, str) and text.strip()), "")


def _usage(usage: object) -> Usage:
    return Usage(
        input_tokens=count(usage, "prompt_tokens"),
        cached_input_tokens=count(getattr(usage, "prompt_tokens_details", None), "cached_tokens"),
        output_tokens=count(usage, "completion_tokens"),
    )
