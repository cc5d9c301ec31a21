"""The vendors' APIs, strictly: an unknown or missing field is a 400, as in production.

Each wire parses a body into a `VendorRequest` and writes an answer or an error in the vendor's form. Holds no state.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from app.domain.model_call import Provider

Json = dict[str, Any]


class BadRequest(Exception):
    """The vendor would answer 400."""


@dataclass(frozen=True, kw_only=True)
class VendorRequest:
    """One request as a vendor read it. `text` is everything after the system prompt, in order."""

    provider: Provider
    model: str
    system: str
    text: str
    schema: Json | None
    body: Json
    images: int = 0
    breakpoints: tuple[str, ...] = ()  # Anthropic: the prompt up to each cache breakpoint
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    is_streamed: bool = False

    @property
    def prompt(self) -> str:
        """What the vendor's prefix cache sees, in its order."""
        return f"{self.schema}{self.system}{self.text}"


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Tokens of one answer; `fresh` are neither read from nor written to the cache."""

    fresh: int
    read: int
    written: int
    output: int


class Wire(Protocol):
    """One vendor's API."""

    def key(self, headers: Mapping[str, str]) -> str | None: ...
    def read(self, body: Json, *, model: str, headers: Mapping[str, str]) -> VendorRequest: ...
    def answer(self, sent: VendorRequest, text: str, counted: Counted, *, ending: str = "ok") -> Json: ...
    def error(self, status: int, code: str, message: str) -> Json: ...


def only(body: Json, allowed: str, where: str = "body") -> None:
    unknown = set(body) - set(allowed.split())
    if unknown:
        raise BadRequest(f"{where}: unknown {sorted(unknown)}")


def part(body: Json, name: str) -> Json:
    """An object inside a body; empty if it is missing."""
    return cast("Json", body.get(name) or {})


def need(condition: object, what: str) -> None:
    if not condition:
        raise BadRequest(what)


def check_schema(schema: Any, *, depth: int = 0) -> None:
    """The subset that all vendors' strict modes take."""
    need(depth <= 12, "schema too deep")
    if isinstance(schema, list):
        for item in cast("list[Any]", schema):
            check_schema(item, depth=depth + 1)
        return
    if not isinstance(schema, dict):
        return
    node = cast("Json", schema)
    bounds = {"minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "pattern"} & set(node)
    need(not bounds or "properties" in node, f"schema: unsupported {sorted(bounds)}")
    if node.get("type") == "object":
        need(node.get("additionalProperties") is False, "schema: additionalProperties must be false")
        need(set(node.get("required", [])) == set(node.get("properties", {})), "schema: all must be required")
    for value in node.values():
        check_schema(value, depth=depth + 1)


def schema_in(text: str) -> Json | None:
    """The schema that a prompt states, as a model would read it."""
    start = text.find('{"type": "object"')
    return json.JSONDecoder().raw_decode(text, start)[0] if start >= 0 else None


class AnthropicWire:
    """https://platform.claude.com/docs/en/api/messages"""

    def key(self, headers: Mapping[str, str]) -> str | None:
        return headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")

    def read(self, body: Json, *, model: str, headers: Mapping[str, str]) -> VendorRequest:
        only(body, "model max_tokens messages system output_config thinking cache_control anthropic_version")
        need(isinstance(body.get("max_tokens"), int), "max_tokens: Field required")
        need(headers.get("anthropic-version") or body.get("anthropic_version"), "anthropic-version: required")
        need(body["messages"][0]["role"] == "user", "messages: first must be user")
        output = part(body, "output_config")
        only(output, "format effort", "output_config")
        need(output.get("effort", "low") in ("low", "medium", "high", "xhigh", "max"), "effort")
        old = re.match(r"claude-(3|haiku-4|sonnet-4-5)", model)
        need(not (old and ("effort" in output or "thinking" in body)), "this model does not support effort")
        system = cast("list[Json]", body.get("system") or [])
        blocks = [*system, *cast("list[Json]", body["messages"][0]["content"])]
        for block in blocks:
            only(block, "type text source cache_control", "content")
            need(block["type"] != "text" or block["text"].strip(), "text content blocks must be non-empty")
        need(sum("cache_control" in block for block in blocks) <= 4, "a maximum of 4 cache_control blocks")
        form = part(output, "format")
        check_schema(form.get("schema"))
        texts = [block.get("text", "") for block in blocks]
        return VendorRequest(
            provider=Provider.CLAUDE,
            model=model,
            system="".join(block["text"] for block in system),
            text="".join(texts[len(system) :]),
            schema=form.get("schema") or schema_in("".join(texts[len(system) :])),
            body=body,
            images=sum(block["type"] == "image" for block in blocks),
            breakpoints=tuple(
                f"{form}{''.join(texts[: index + 1])}"
                for index, block in enumerate(blocks)
                if "cache_control" in block
            ),
            headers=headers,
        )

    def answer(self, sent: VendorRequest, text: str, counted: Counted, *, ending: str = "ok") -> Json:
        stop = {
            "ok": "end_turn",
            "truncated": "max_tokens",
            "refused": "refusal",
            "filtered": "refusal",
            "window": "model_context_window_exceeded",
        }.get(ending, "a_new_reason")
        refused = stop == "refusal"
        return {
            "id": "msg_fake",
            "type": "message",
            "role": "assistant",
            "model": sent.model,
            "content": [] if refused else [{"type": "text", "text": text}],
            "stop_reason": stop,
            "stop_sequence": None,
            "stop_details": {"type": "refusal", "category": "cyber", "explanation": None}
            if refused
            else None,
            "usage": {
                "input_tokens": counted.fresh,
                "cache_creation_input_tokens": counted.written,
                "cache_read_input_tokens": counted.read,
                "output_tokens": counted.output,
            },
        }

    def error(self, status: int, code: str, message: str) -> Json:
        error = {"type": _ANTHROPIC_TYPES.get(status, "api_error"), "message": message}
        if code:
            error |= {"details": {"error_code": code}}
        return {"type": "error", "error": error, "request_id": "req_fake"}


_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class OpenAIWire:
    """https://platform.openai.com/docs/api-reference/responses/create"""

    def key(self, headers: Mapping[str, str]) -> str | None:
        return headers.get("api-key") or headers.get("authorization", "").removeprefix("Bearer ")

    def read(self, body: Json, *, model: str, headers: Mapping[str, str]) -> VendorRequest:
        only(body, "model instructions input text max_output_tokens store prompt_cache_key reasoning")
        need(body.get("store") is False, "store: customers' code must not be kept")
        need(body.get("max_output_tokens", 16) >= 16, "max_output_tokens: at least 16")
        need(not (model.startswith("gpt-4") and "reasoning" in body), "reasoning: not supported")
        need(part(body, "reasoning").get("effort", "low") in ("low", "medium", "high"), "effort")
        form = part(part(body, "text"), "format")
        if form.get("type") == "json_schema":
            only(form, "type name strict schema", "text.format")
            need(form.get("strict") is True and re.fullmatch(r"[\w-]{1,64}", form["name"]), "text.format")
            check_schema(form["schema"])
        else:
            need(form in ({}, {"type": "json_object"}), "text.format")
        parts = cast("list[Json]", body["input"][0]["content"])
        need({each["type"] for each in parts} <= {"input_text", "input_image"}, "input: type")
        text = "".join(each.get("text", "") for each in parts)
        need(form.get("type") != "json_object" or "JSON" in text, "input must contain the word 'json'")
        return VendorRequest(
            provider=Provider.GPT,
            model=model,
            system=body.get("instructions") or "",
            text=text,
            schema=form.get("schema") or schema_in(text),
            body=body,
            images=sum(each["type"] == "input_image" for each in parts),
            headers=headers,
        )

    def answer(self, sent: VendorRequest, text: str, counted: Counted, *, ending: str = "ok") -> Json:
        status, reason = {
            "ok": ("completed", None),
            "refused": ("completed", None),
            "truncated": ("incomplete", "max_output_tokens"),
            "filtered": ("incomplete", "content_filter"),
            "failed": ("failed", None),
        }.get(ending, ("a_new_status", None))
        part: Json = {"type": "output_text", "text": text, "annotations": []}
        if ending == "refused":
            part = {"type": "refusal", "refusal": "I can't help with that."}
        given = counted.fresh + counted.read + counted.written
        return {
            "id": "resp_fake",
            "object": "response",
            "created_at": 0,
            "model": sent.model,
            "status": status,
            "incomplete_details": {"reason": reason} if reason else None,
            "error": {"code": "server_error", "message": "failed"} if ending == "failed" else None,
            "output": [
                {"type": "reasoning", "id": "rs_1", "summary": []},
                {
                    "id": "msg_1",
                    "type": "message",
                    "role": "assistant",
                    "status": "completed",
                    "content": [part],
                },
            ],
            "parallel_tool_calls": False,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": given,
                "output_tokens": counted.output,
                "total_tokens": given + counted.output,
                "input_tokens_details": {
                    "cached_tokens": counted.read,
                    "cache_write_tokens": counted.written,
                },
                "output_tokens_details": {"reasoning_tokens": 0},
            },
        }

    def error(self, status: int, code: str, message: str) -> Json:
        return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


def _parts_of(content: Any) -> list[Json]:
    """The parts of a message; many compatible servers take a string only."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


class ChatWire:
    """A compatible server: https://platform.openai.com/docs/api-reference/chat/create"""

    def key(self, headers: Mapping[str, str]) -> str | None:
        return None  # accepts any

    def read(self, body: Json, *, model: str, headers: Mapping[str, str]) -> VendorRequest:
        only(body, "model messages max_tokens max_completion_tokens response_format stream_options provider")
        form = part(part(body, "response_format"), "json_schema")
        system, user = cast("list[Json]", body["messages"])
        parts = _parts_of(user["content"])
        text = "".join(each.get("text", "") for each in parts)
        return VendorRequest(
            provider=Provider.LOCAL,
            model=model,
            system=system["content"],
            text=text,
            schema=form.get("schema") or schema_in(text),
            body=body,
            images=sum(each["type"] == "image_url" for each in parts),
            headers=headers,
        )

    def answer(self, sent: VendorRequest, text: str, counted: Counted, *, ending: str = "ok") -> Json:
        finish = {"ok": "stop", "refused": "stop", "truncated": "length", "filtered": "content_filter"}
        message: Json = {"role": "assistant", "content": text}
        if ending == "refused":
            message = {"role": "assistant", "content": None, "refusal": "no"}
        return {
            "id": "chat_fake",
            "object": "chat.completion",
            "created": 0,
            "model": sent.model,
            "choices": [
                {"index": 0, "finish_reason": finish.get(ending, "a_new_reason"), "message": message}
            ],
            "usage": {  # such servers send no details
                "prompt_tokens": counted.fresh + counted.read,
                "completion_tokens": counted.output,
                "total_tokens": counted.fresh + counted.read + counted.output,
            },
        }

    def error(self, status: int, code: str, message: str) -> Json:
        return {"error": {"message": message, "type": code or "error"}}


class GeminiWire:
    """https://ai.google.dev/api/generate-content"""

    def key(self, headers: Mapping[str, str]) -> str | None:
        return headers.get("x-goog-api-key") or headers.get("authorization", "").removeprefix("Bearer ")

    def read(self, body: Json, *, model: str, headers: Mapping[str, str]) -> VendorRequest:
        only(body, "contents systemInstruction generationConfig")
        config = part(body, "generationConfig")
        only(config, "responseMimeType responseJsonSchema maxOutputTokens thinkingConfig", "generationConfig")
        need("responseJsonSchema" not in config or "responseMimeType" in config, "responseMimeType")
        old = model.startswith("gemini-2")
        need(not (old and part(config, "thinkingConfig")), "thinkingLevel")
        parts = cast("list[Json]", body["contents"][0]["parts"])
        need(body["contents"][0].get("role", "user") == "user", "contents: role")
        system = cast("list[Json]", part(body, "systemInstruction").get("parts") or [])
        text = "".join(each.get("text", "") for each in parts)
        return VendorRequest(
            provider=Provider.GEMINI,
            model=model,
            system="".join(each["text"] for each in system),
            text=text,
            schema=config.get("responseJsonSchema") or schema_in(text),
            body=body,
            images=sum("inlineData" in each for each in parts),
            headers=headers,
        )

    def answer(self, sent: VendorRequest, text: str, counted: Counted, *, ending: str = "ok") -> Json:
        finish = {"ok": "STOP", "refused": "PROHIBITED_CONTENT", "truncated": "MAX_TOKENS", "failed": "OTHER"}
        candidate: Json = {"index": 0, "finishReason": finish.get(ending, "A_NEW_REASON"), "content": {}}
        if ending != "refused":
            candidate["content"] = {"role": "model", "parts": [{"text": text}]}
        thoughts = counted.output // 3
        answer: Json = {
            "candidates": [candidate],
            "modelVersion": sent.model,
            "responseId": "gem_fake",
            "usageMetadata": {
                "promptTokenCount": counted.fresh + counted.read,
                "cachedContentTokenCount": counted.read,
                "candidatesTokenCount": counted.output - thoughts,
                "thoughtsTokenCount": thoughts,
            },
        }
        if ending == "filtered":
            del answer["candidates"]
            answer["promptFeedback"] = {"blockReason": "SAFETY"}
        return answer

    def error(self, status: int, code: str, message: str) -> Json:
        return {"error": {"code": status, "message": message, "status": code or "INTERNAL", "details": []}}


WIRES: dict[Provider, Wire] = {
    Provider.CLAUDE: AnthropicWire(),
    Provider.GPT: OpenAIWire(),
    Provider.GEMINI: GeminiWire(),
    Provider.LOCAL: ChatWire(),
}
