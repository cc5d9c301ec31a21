"""An answer of each vendor as the events of its stream.

https://platform.claude.com/docs/en/build-with-claude/streaming
https://platform.openai.com/docs/api-reference/responses-streaming
https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
"""

import json
from collections.abc import Iterator
from typing import Any

from app.domain.model_call import Provider

Json = dict[str, Any]


def stream_of(provider: Provider, answer: Json) -> str:
    """Return the body of a stream that ends in this answer."""
    write = {
        Provider.CLAUDE: _anthropic,
        Provider.GPT: _openai,
        Provider.GEMINI: _gemini,
        Provider.LOCAL: _chat,
    }[provider]
    return "".join(_line(event) for event in write(answer))


def _line(event: Json) -> str:
    name = f"event: {event['type']}\n" if "type" in event else ""
    return f"{name}data: {json.dumps(event)}\n\n"


def _chat(answer: Json) -> list[Json]:
    """https://platform.openai.com/docs/api-reference/chat-streaming: usage comes last, without a choice."""
    choice = answer["choices"][0]
    chunk = {"id": answer["id"], "object": "chat.completion.chunk", "model": answer["model"], "created": 1}
    deltas: list[Json] = [{"content": part} for part in _halves(choice["message"]["content"])]
    pieces = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    pieces.append({"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]})
    usage: Json = {**chunk, "choices": [], "usage": answer["usage"]}
    return [*({**chunk, "choices": [piece]} for piece in pieces), *([usage] if answer["usage"] else [])]


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def _anthropic(answer: Json) -> Iterator[Json]:
    usage = {**answer["usage"], "output_tokens": 1}
    yield {"type": "message_start", "message": {**answer, "content": [], "stop_reason": None, "usage": usage}}
    yield {"type": "ping"}
    for index, block in enumerate(answer["content"]):
        yield {"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}
        for half in _halves(block["text"]):
            delta = {"type": "text_delta", "text": half}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {name: answer[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    yield {
        "type": "message_delta",
        "delta": delta,
        "usage": {"output_tokens": answer["usage"]["output_tokens"]},
    }
    yield {"type": "message_stop"}


def _openai(answer: Json) -> Iterator[Json]:
    started: Json = {**answer, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "sequence_number": 0, "response": started}
    for number, half in enumerate(_halves(json.dumps(answer["output"])), 1):
        yield {
            "type": "response.output_text.delta",
            "sequence_number": number,
            "item_id": "msg_1",
            "output_index": 1,
            "content_index": 0,
            "delta": half,
            "logprobs": [],
        }
    ending = answer["status"] if answer["status"] in ("completed", "incomplete", "failed") else "completed"
    yield {"type": f"response.{ending}", "sequence_number": 3, "response": answer}


def _gemini(answer: Json) -> Iterator[Json]:
    candidate = answer["candidates"][0]
    parts = candidate["content"].get("parts", [])
    if parts:
        first, second = _halves(parts[0]["text"])
        content = {"role": "model", "parts": [{"text": first}]}
        yield {
            **answer,
            "candidates": [{"index": 0, "content": content}],
            "usageMetadata": {"promptTokenCount": 1},
        }
        candidate = {**candidate, "content": {"role": "model", "parts": [{"text": second}]}}
    yield {**answer, "candidates": [candidate]}
