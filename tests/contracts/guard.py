"""Checks every request of the App and every response of the stand-in against GitHub's OpenAPI descriptions.

It wraps an httpx transport. Violations are: an unknown endpoint, an undocumented success, a body where none is defined, an
extra key in a request, and any response that does not have the documented shape.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, quote

import httpx
import jsonschema_rs
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.contracts import enterprise
from tests.contracts.graphql import check_document
from tests.contracts.vendoring import DATA

Json = dict[str, Any]
ROOT = "urn:github"
_SAID_MAX = 300
# These path parameters may contain slashes.
_WITH_SLASHES = ("path", "basehead", "ref", "branch")
# Responses of every endpoint, documented on separate pages: https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
# and https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
GENERAL_ERRORS = (400, 401, 403, 404, 406, 422, 429, 500, 502, 503, 504)
# Where the description is wrong about the real service, with the reason.
KNOWN_GAPS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "head/repo": (lambda value: value is None, "null when the fork was deleted; described as never null"),
    "/line": (lambda value: value is None, "null once a comment is outdated; described as an integer"),
    "/position": (lambda value: value is None, "null once a comment is outdated; described as an integer"),
    "0/account": (lambda value: "login" in value, "described as a user and an enterprise at once"),
}


class ContractViolation(AssertionError):
    """A request or a response that does not match GitHub's description."""


def as_json_schema(value: Any, *, closed: bool) -> Any:
    """Convert OpenAPI 3.0's `nullable` to a union with null; `closed` forbids undescribed keys."""
    if isinstance(value, list):
        return [as_json_schema(item, closed=closed) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(value, dict):
        return value
    node: Json = {key: as_json_schema(item, closed=closed) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if closed and isinstance(node.get("properties"), dict) and "type" in node:
        node.setdefault("additionalProperties", False)
    nullable = node.pop("nullable", False)
    return {"anyOf": [node, {"type": "null"}]} if nullable is True else node


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the description."""

    method: str
    template: str
    pattern: re.Pattern[str]
    definition: Json


def _pattern(template: str) -> re.Pattern[str]:
    def part(found: re.Match[str]) -> str:
        return "(.+)" if found[1] in _WITH_SLASHES else "([^/]+)"

    return re.compile(re.sub(r"\\\{(\w+)\\\}", part, re.escape(template)) + r"\Z")


@cache
def description() -> Json:
    """The vendored part of the description."""
    return json.loads((DATA / "openapi.json").read_text(encoding="utf-8"))


@cache
def operations() -> tuple[Operation, ...]:
    """All operations, the more literal paths first."""
    rows = [
        Operation(method.upper(), path, _pattern(path), operation)
        for path, item in description()["paths"].items()
        for method, operation in item.items()
    ]
    return tuple(sorted(rows, key=lambda row: (row.template.count("{"), -len(row.template))))


@cache
def _schema(*, closed: bool) -> Json:
    return as_json_schema(description(), closed=closed)


@cache
def _registry(*, closed: bool) -> "Registry[Any]":
    return Registry[Any]().with_resource(
        ROOT, Resource(contents=_schema(closed=closed), specification=DRAFT202012)
    )


@cache
def _validator(pointer: str, *, closed: bool) -> Draft202012Validator:
    """Slow, but says what is wrong and where."""
    return Draft202012Validator({"$ref": f"{ROOT}#{pointer}"}, registry=_registry(closed=closed))


@cache
def _quick_validator(pointer: str, *, closed: bool) -> jsonschema_rs.Draft202012Validator:
    """Says only whether anything is wrong, a hundred times faster."""
    registry = jsonschema_rs.Registry([(ROOT, _schema(closed=closed))])
    return jsonschema_rs.Draft202012Validator({"$ref": f"{ROOT}#{quote(pointer)}"}, registry=registry)


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def find_operation(method: str, path: str) -> Operation | None:
    """Find the operation of a request; None for an endpoint that the description does not have."""
    bare = path.removeprefix("/api/v3")
    return next((op for op in operations() if op.method == method and op.pattern.match(bare)), None)


def resolve(part: Json) -> tuple[Json, str | None]:
    """Resolve a reference, and return the pointer to it."""
    if "$ref" not in part:
        return part, None
    pointer = part["$ref"].removeprefix("#")
    target: Any = description()
    for name in pointer.strip("/").split("/"):
        target = target[name]
    return target, pointer


@dataclass(slots=True)
class OpenApiGuard:
    """Checks what passes through it. `raises`: stop at the first violation; otherwise collect them in `violations`."""

    raises: bool = True
    violations: list[str] = field(default_factory=list[str])
    checked: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])

    def wrap(self, transport: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        """Wrap a transport."""
        return _GuardedTransport(transport, self)

    def check_request(self, request: httpx.Request) -> None:
        """Check a request against the description."""
        self._report(f"request {request.method} {request.url.path}", request_errors(request))

    def check_response(self, request: httpx.Request, response: httpx.Response) -> None:
        """Check a response against the description."""
        where = f"answer {response.status_code} to {request.method} {request.url.path}"
        self.checked.append((request.method, request.url.path, response.status_code))
        self._report(where, response_errors(request, response))

    def _report(self, where: str, errors: Iterator[str]) -> None:
        found = [f"{where}: {error}" for error in errors]
        self.violations += found
        if found and self.raises:
            raise ContractViolation("\n".join(found))


def request_errors(request: httpx.Request) -> Iterator[str]:
    """The violations of a request."""
    if request.url.path.endswith("/graphql"):
        yield from check_document(json.loads(request.content)["query"])
        return
    operation = find_operation(request.method, request.url.path)
    if operation is None:
        yield "unknown route"
        return
    errors = [*_query_errors(operation, request), *_request_body_errors(operation, request.content)]
    yield from errors or enterprise.request_errors(operation.method, operation.template, request)


def _query_errors(operation: Operation, request: httpx.Request) -> Iterator[str]:
    known = [resolve(p)[0] for p in operation.definition.get("parameters", [])]
    in_query = {p["name"]: p for p in known if p["in"] == "query"}
    given = dict(parse_qsl(request.url.query.decode(), keep_blank_values=True))
    for name in given.keys() - in_query.keys():
        yield f"unknown query parameter {name}"
    for name, parameter in in_query.items():
        if parameter.get("required") and name not in given:
            yield f"query parameter {name} is missing"
        allowed = parameter["schema"].get("enum")
        if name in given and allowed and given[name] not in allowed:
            yield f"query parameter {name} is none of {allowed}"


def _request_body_errors(operation: Operation, content: bytes) -> Iterator[str]:
    defined = operation.definition.get("requestBody")
    if defined is None:
        if content not in (b"", b"{}"):
            yield "a body where none is defined"
        return
    if not content:
        if defined.get("required"):
            yield "the body is missing"
        return
    path = f"/paths/{_escaped(operation.template)}/{operation.method.lower()}/requestBody/content/application~1json/schema"
    yield from _schema_errors(path, json.loads(content), closed=True)


def response_errors(request: httpx.Request, response: httpx.Response) -> Iterator[str]:
    """The violations of a response."""
    operation = find_operation(request.method, request.url.path)
    if request.url.path.endswith("/graphql") or operation is None:
        return
    status = str(response.status_code)
    defined = operation.definition["responses"].get(status)
    if defined is None:
        yield from _undocumented_errors(response)
        return
    part, pointer = resolve(defined)
    base = pointer or f"/paths/{_escaped(operation.template)}/{operation.method.lower()}/responses/{status}"
    yield from _response_body_errors(part, base, response)


def _undocumented_errors(response: httpx.Response) -> Iterator[str]:
    if response.status_code not in GENERAL_ERRORS:
        yield f"undocumented status {response.status_code}"
    elif not isinstance(response.json().get("message"), str):
        yield "an error without a message"


def _response_body_errors(part: Json, base: str, response: httpx.Response) -> Iterator[str]:
    content: Json = part.get("content", {})
    if not content:
        if response.content:
            yield "a body where none is defined"
        return
    kind = response.headers.get("content-type", "").partition(";")[0]
    if kind.startswith("application/vnd.github.") and "json" not in kind:
        return  # diff and raw are documented only in prose
    if kind != "application/json":
        yield f"content type {kind}"
        return
    chosen = next((name for name in content if "json" in name), None)
    if chosen is None or "schema" not in content[chosen]:
        return
    pointer = f"{base}/content/{_escaped(chosen)}/schema"
    yield from _schema_errors(pointer, response.json(), closed=False)


def _schema_errors(pointer: str, value: Any, *, closed: bool) -> Iterator[str]:
    if _quick_validator(pointer, closed=closed).is_valid(value):
        return
    found: Any = _validator(pointer, closed=closed).iter_errors(value)  # pyright: ignore[reportUnknownMemberType]
    for error in found:
        where = "/".join(str(part) for part in error.absolute_path)
        if not _is_known_gap(where, error.instance):
            yield f"{where or 'body'}: {_plainest(error)}"


def _shallowness(error: Any) -> int:
    return -len(error.absolute_path)


def _plainest(error: Any) -> str:
    """The most helpful message: the deepest one below an `anyOf`."""
    deeper: list[Any] = sorted(error.context or (), key=_shallowness)
    if deeper:
        return _plainest(deeper[0])
    said = str(error.message)
    return said if len(said) <= _SAID_MAX else f"{said[: _SAID_MAX // 2]} … {said[-_SAID_MAX // 2 :]}"


def _is_known_gap(where: str, value: Any) -> bool:
    return any(f"/{where}".endswith(end) and fits(value) for end, (fits, _) in KNOWN_GAPS.items())


class _GuardedTransport(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, guard: OpenApiGuard) -> None:
        self._inner = inner
        self._guard = guard

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self._guard.check_request(request)
        response = await self._inner.handle_async_request(request)
        await response.aread()
        self._guard.check_response(request, response)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()
