"""All vendors in one ASGI app: strict requests, stateful caches, faults on demand. Never uses the network.

    vendors = FakeVendors()
    vendors.answers[Provider.CLAUDE] = lambda sent: {"findings": []}
    vendors.fail(Provider.GPT, Fault.OVERLOADED, times=1)
    models = build_models(
        ModelSettings(access=vendors.access()), ModelEnvironment(http_client=vendors.http_client())
    )

Real SDKs talk to it through `httpx2.ASGITransport`, or over a socket under any ASGI server.
"""

import asyncio
import json
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from os.path import commonprefix
from typing import Any, cast

import httpx2
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from app.domain.model_call import Provider
from app.llm.build import VendorAccess
from app.llm.router import VendorModels
from tests.fakes.vendor_streams import stream_of
from tests.fakes.vendor_wire import WIRES, BadRequest, Counted, Json, VendorRequest

KEYS = {
    Provider.CLAUDE: "sk-ant-fake-0123456789abcdef",
    Provider.GPT: "sk-proj-fake-0123456789abcdef",
    Provider.GEMINI: "AIzaSyFake0123456789abcdef",
    Provider.LOCAL: "local-fake-0123456789abcdef",
}
MODELS = {
    Provider.CLAUDE: VendorModels(large="claude-sonnet-5-5", small="claude-haiku-5-5"),
    Provider.GPT: VendorModels(large="gpt-6.2-sol", small="gpt-6-luna"),
    Provider.GEMINI: VendorModels(large="gemini-3.8-flash", small="gemini-3.5-flash-lite"),
    Provider.LOCAL: VendorModels(large="qwen3-coder", small="qwen3-coder"),
}
BASE_URLS = {
    Provider.CLAUDE: "http://vendors.test",
    Provider.GPT: "http://vendors.test/v1",
    Provider.GEMINI: "http://vendors.test",
    Provider.LOCAL: "http://vendors.test/local/v1",
}
MINIMUM_PREFIX = {Provider.CLAUDE: 512, Provider.GPT: 1_024, Provider.GEMINI: 2_048, Provider.LOCAL: 1 << 30}
CHARACTERS_PER_TOKEN = 4
VERTEX = "/{version}/projects/{project}/locations/{location}/publishers/google/models"


class Fault(StrEnum):
    """What can go wrong at a vendor; each fault has the vendor's own form."""

    NONE = "none"
    BAD_KEY = "bad key"
    UNPAID = "unpaid"
    FORBIDDEN = "forbidden"
    UNKNOWN_MODEL = "unknown model"
    TOO_LARGE = "too large"
    RATE_LIMITED = "rate limited"
    RATE_LIMITED_ONE_HOUR = "rate limited for an hour"
    QUOTA_SPENT = "quota spent"
    BAD_REQUEST = "bad request"
    CONTEXT_TOO_LONG = "context too long"
    SERVER_ERROR = "server error"
    OVERLOADED = "overloaded"
    HANGS = "hangs"
    READ_TIMEOUT = "read timeout"
    REFUSES_CONNECTION = "refuses the connection"
    DROPS_CONNECTION = "drops the connection"
    HTML = "HTML with 200"
    BROKEN_JSON = "broken JSON with 200"
    WRONG_SHAPE = "JSON of another shape with 200"
    TRUNCATED = "truncated"
    NOT_JSON = "an answer that is no JSON"
    OFF_SCHEMA = "an answer off the schema"
    EMPTY = "an empty answer"
    REFUSED = "refused"
    FILTERED = "filtered"
    FAILED = "failed inside a 200"
    UNKNOWN_ENDING = "an unknown stop reason"
    FORMAT_UNSUPPORTED = "format unsupported"
    FORM_CRASHES = "a form of the request crashes the server"


_STATUS: dict[Fault, tuple[int, str, str]] = {
    Fault.BAD_KEY: (401, "invalid_api_key", "Incorrect API key provided: {key}."),
    Fault.UNPAID: (402, "billing_error", "Payment required for {key}."),
    Fault.FORBIDDEN: (403, "permission_error", "The key {key} may not do that."),
    Fault.UNKNOWN_MODEL: (404, "model_not_found", "The model does not exist."),
    Fault.TOO_LARGE: (413, "request_too_large", "Request too large."),
    Fault.RATE_LIMITED: (429, "rate_limit_exceeded", "Rate limit reached for {key}."),
    Fault.RATE_LIMITED_ONE_HOUR: (429, "rate_limit_exceeded", "Rate limit reached."),
    Fault.QUOTA_SPENT: (429, "insufficient_quota", "You exceeded your quota; see billing. {key}"),
    Fault.BAD_REQUEST: (400, "invalid_value", "Invalid value near {key}."),
    Fault.CONTEXT_TOO_LONG: (400, "context_length_exceeded", "prompt is too long: 1200000 > 1000000 tokens"),
    Fault.SERVER_ERROR: (500, "server_error", "Internal error at {key}."),
    Fault.OVERLOADED: (529, "overloaded_error", "Overloaded."),
    Fault.FORMAT_UNSUPPORTED: (400, "invalid_value", "response_format is not supported."),
    Fault.FORM_CRASHES: (  # llama-cpp-python 0.3.36
        500,
        "internal_server_error",
        "('body', 'response_format', 'type'), 'msg': \"Input should be 'text' or 'json_object'\"",
    ),
}
_ENDING = {
    Fault.TRUNCATED: "truncated",
    Fault.REFUSED: "refused",
    Fault.FILTERED: "filtered",
    Fault.FAILED: "failed",
    Fault.UNKNOWN_ENDING: "unknown",
}
_TEXT = {Fault.NOT_JSON: "Certainly! Here are", Fault.OFF_SCHEMA: '{"unasked": true}', Fault.EMPTY: ""}


@dataclass(kw_only=True)
class _Planned:
    fault: Fault
    times: int | None  # None: always


class FakeVendors:
    """An ASGI app. `requests` has the requests; `answers` defines the answers, by default `emptiest`."""

    def __init__(self, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.requests: list[VendorRequest] = []
        self.answers: dict[Provider, Callable[[VendorRequest], Any]] = {}
        self.texts: dict[Provider, str] = {}  # replaces an answer's JSON, unchanged
        self.has_stream_usage = True  # of a local server; False: as llama-cpp-python
        self.streams = True  # False: answers a request for a stream with one JSON value
        self.thoughts: dict[Provider, str] = {}  # a local server's `reasoning_content`
        self.read_tokens: dict[Provider, int] = {}  # of a prompt that the server cut
        # A provider's status and body for a request, None for an answer.
        self.refusals: dict[Provider, Callable[[VendorRequest], tuple[int, Any] | None]] = {}
        self.delay_s: dict[Provider, float] = {}
        self.reached: dict[Provider, asyncio.Event] = defaultdict(
            asyncio.Event
        )  # set by a provider's first request
        self.peak: Counter[Provider] = Counter()  # the most concurrent requests
        self._running: Counter[Provider] = Counter()
        self._sleep = sleep
        self._faults: dict[Provider, deque[_Planned]] = defaultdict(deque)
        self._breakpoints: dict[str, set[str]] = defaultdict(set)
        self._prompts: dict[tuple[Provider, str], list[str]] = defaultdict(list)
        gemini = self._endpoint(Provider.GEMINI)
        self.app = Starlette(
            routes=[
                Route("/v1/messages", self._endpoint(Provider.CLAUDE), methods=["POST"]),
                Route("/model/{model}/invoke", self._endpoint(Provider.CLAUDE), methods=["POST"]),
                Route("/v1/models/{model}:streamGenerateContent", gemini, methods=["POST"]),
                Route("/v1beta/models/{model}:streamGenerateContent", gemini, methods=["POST"]),
                Route(f"{VERTEX}/{{model}}:streamGenerateContent", gemini, methods=["POST"]),
                Route("/v1/responses", self._endpoint(Provider.GPT), methods=["POST"]),
                Route("/openai/responses", self._endpoint(Provider.GPT), methods=["POST"]),
                Route("/local/v1/chat/completions", self._endpoint(Provider.LOCAL), methods=["POST"]),
                Route("/v1/models/{model}:generateContent", gemini, methods=["POST"]),
                Route("/v1beta/models/{model}:generateContent", gemini, methods=["POST"]),
                Route(f"{VERTEX}/{{model}}:generateContent", gemini, methods=["POST"]),
                Route("/v1/models/{model}", self._model, methods=["GET"]),
                Route("/v1beta/models/{model}", self._model, methods=["GET"]),
                Route("/local/v1/models", self._local_models, methods=["GET"]),
            ]
        )

    def http_client(self) -> httpx2.AsyncClient:
        """A client whose network is this app."""
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app))

    def access(self, *providers: Provider) -> dict[Provider, VendorAccess]:
        """Keys, addresses and models for `build_models`; by default, of all three vendors."""
        chosen = providers or (Provider.CLAUDE, Provider.GPT, Provider.GEMINI)
        return {
            provider: VendorAccess(
                models=MODELS[provider], api_key=KEYS[provider], base_url=BASE_URLS[provider]
            )
            for provider in chosen
        }

    def fail(self, provider: Provider, fault: Fault, *, times: int | None = None) -> None:
        """Make the next requests to a provider fail; if `times` is None, until `heal`."""
        self._faults[provider].append(_Planned(fault=fault, times=times))

    def heal(self, provider: Provider) -> None:
        """Stop a provider's faults."""
        self._faults.pop(provider, None)

    def heal_all(self) -> None:
        """Stop the faults of every provider."""
        self._faults.clear()

    def forget(self) -> None:
        """Forget all requests and prefix caches."""
        self.requests.clear()
        self._breakpoints.clear()
        self._prompts.clear()

    def requests_to(self, provider: Provider) -> list[VendorRequest]:
        """The requests to a provider."""
        return [sent for sent in self.requests if sent.provider is provider]

    def _endpoint(self, provider: Provider) -> Callable[[Request], Awaitable[Response]]:
        wire = WIRES[provider]

        async def handle(request: Request) -> Response:
            try:
                body = cast("Json", await request.json())
            except ClientDisconnect:  # the client was killed
                return Response(status_code=499)
            model = body.get("model") or request.path_params["model"]
            try:
                is_streamed = body.pop("stream", False) is True or "streamGenerate" in request.url.path
                sent = wire.read(body, model=str(model), headers=request.headers)
                sent = replace(sent, is_streamed=is_streamed)
            except (BadRequest, KeyError, TypeError) as error:
                return JSONResponse(wire.error(400, "invalid_request", f"{error}"), 400)
            self.requests.append(sent)
            self.reached[provider].set()
            self._running[provider] += 1
            self.peak[provider] = max(self.peak[provider], self._running[provider])
            await self._sleep(self.delay_s.get(provider, 0.0))
            self._running[provider] -= 1
            refusal = self.refusals.get(provider, lambda _: None)(sent)
            if refusal:
                return JSONResponse(refusal[1], refusal[0])
            fault = self._next_fault(provider)
            if not self._takes(provider, request):
                fault = Fault.BAD_KEY
            return await self._respond(sent, fault)

        return handle

    async def _model(self, request: Request) -> Response:
        """The model as each vendor describes it, for free checks."""
        model = request.path_params["model"]
        provider = next((each for each, names in MODELS.items() if model in (names.large, names.small)), None)
        if provider is None:
            return JSONResponse(
                {"error": {"message": "no such model", "code": 404, "status": "NOT_FOUND"}}, 404
            )
        fault = self._next_fault(provider)
        if not self._takes(provider, request):
            fault = Fault.BAD_KEY
        if fault in _STATUS:
            return self._status(provider, fault)
        return JSONResponse({"id": model, "name": f"models/{model}", "object": "model", "type": "model"})

    async def _local_models(self, request: Request) -> Response:
        """What a local server lists."""
        fault = self._next_fault(Provider.LOCAL)
        if fault in _STATUS:
            return self._status(Provider.LOCAL, fault)
        listed = {"id": MODELS[Provider.LOCAL].large, "object": "model", "created": 0, "owned_by": "local"}
        return JSONResponse({"object": "list", "data": [listed]})

    def _takes(self, provider: Provider, request: Request) -> bool:
        """Whether the key is the provider's; a local server accepts any."""
        return provider is Provider.LOCAL or WIRES[provider].key(request.headers) == KEYS[provider]

    def _next_fault(self, provider: Provider) -> Fault:
        planned = self._faults[provider]
        if not planned:
            return Fault.NONE
        first = planned[0]
        if first.times is not None:
            first.times -= 1
            if first.times <= 0:
                planned.popleft()
        return first.fault

    async def _respond(self, sent: VendorRequest, fault: Fault) -> Response:
        if fault in _STATUS:
            return self._status(sent.provider, fault)
        match fault:
            case Fault.HANGS:
                await asyncio.Event().wait()
            case Fault.READ_TIMEOUT:
                raise httpx2.ReadTimeout("")
            case Fault.REFUSES_CONNECTION:
                raise httpx2.ConnectError("")
            case Fault.DROPS_CONNECTION:
                raise httpx2.RemoteProtocolError("Server disconnected without sending a response.")
            case Fault.HTML:
                return HTMLResponse("<html>Sign in to the network</html>")
            case Fault.BROKEN_JSON:
                return Response('{"id": "x", "content": [', media_type="application/json")
            case Fault.WRONG_SHAPE:
                return JSONResponse({"hello": "world"})
            case _:
                pass
        return self._answer(sent, fault)

    def _status(self, provider: Provider, fault: Fault) -> Response:
        status, code, message = _STATUS[fault]
        body = WIRES[provider].error(status, code, message.format(key=KEYS[provider]))
        headers = {"retry-after": "3600"} if fault is Fault.RATE_LIMITED_ONE_HOUR else {}
        return JSONResponse(
            body, status, headers={**headers, "x-request-id": "req_fake", "request-id": "req_fake"}
        )

    def _answer(self, sent: VendorRequest, fault: Fault) -> Response:
        value = self.answers.get(sent.provider, emptiest)(sent)
        text = _TEXT.get(fault, self.texts.get(sent.provider, json.dumps(value)))
        counted = self._count(sent, text)
        ending = _ENDING.get(fault, "ok")
        headers = {"request-id": "req_fake", "x-request-id": "req_fake"}
        answer = WIRES[sent.provider].answer(sent, text, counted, ending=ending)
        if sent.provider in self.thoughts:
            answer["choices"][0]["message"]["reasoning_content"] = self.thoughts[sent.provider]
        if sent.is_streamed and self.streams:
            answer = answer if self.has_stream_usage else {**answer, "usage": None}
            return Response(stream_of(sent.provider, answer), media_type="text/event-stream", headers=headers)
        return JSONResponse(answer, headers=headers)

    def _count(self, sent: VendorRequest, text: str) -> Counted:
        """Count tokens with the vendor's prefix cache: at breakpoints for Anthropic, automatic for the others."""
        total = self.read_tokens.get(sent.provider, len(sent.prompt) // CHARACTERS_PER_TOKEN)
        written = 0
        if sent.provider is Provider.CLAUDE:
            known = self._breakpoints[sent.model]
            prefixes = [each for each in sent.breakpoints if each in known]
            if not prefixes:
                written = max((len(each) for each in sent.breakpoints), default=0) // CHARACTERS_PER_TOKEN
            known.update(sent.breakpoints)
        else:
            prefixes = _shared(sent.prompt, self._prompts[sent.provider, sent.model])
        read = max((len(each) for each in prefixes), default=0) // CHARACTERS_PER_TOKEN
        least = MINIMUM_PREFIX[sent.provider]
        read, written = (read if read >= least else 0), (written if written >= least else 0)
        return Counted(
            fresh=max(0, total - read - written),
            read=read,
            written=written,
            output=max(3, len(text) // CHARACTERS_PER_TOKEN),
        )


def _shared(prompt: str, known: list[str]) -> list[str]:
    """The longest prefix that the prompt shares with its neighbors in sorted order; inserts it there."""
    place = bisect_left(known, prompt)
    shared = [commonprefix([prompt, each]) for each in known[max(0, place - 1) : place + 1]]
    known.insert(place, prompt)
    return shared


def emptiest(sent: VendorRequest) -> Any:
    """The emptiest value that fits the requested schema."""
    return _emptiest(sent.schema or {})


def _emptiest(schema: Json) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if "properties" in schema:
        return {name: _emptiest(each) for name, each in schema["properties"].items()}
    kind = schema.get("type")
    if not isinstance(kind, str):  # nullable
        return None
    empty: dict[str, Any] = {
        "array": [],
        "object": {},
        "string": "",
        "integer": 0,
        "number": 0.0,
        "boolean": False,
    }
    return empty.get(kind)
