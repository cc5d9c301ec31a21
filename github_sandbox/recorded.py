"""Stand-ins for the model vendors that answer with recorded answers, in each vendor's own format.

An answer belongs to a task and to what is asked, not to the text of a request, so a changed prompt still gets one. Requests
that were not recorded are refused, as are all requests to a vendor whose outage was recorded.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from github_sandbox.state import Json

CHARACTERS_PER_TOKEN = 4  # an estimate, so that usage and cost are plausible
_TASK = re.compile(r"^# Task: (\w+)", re.MULTILINE)
_CLAIMS = re.compile(r"<claims-[0-9a-f]+>\n(.*?)\n</claims-", re.DOTALL)
_FINDING = re.compile(r"<finding-[0-9a-f]+>\n(.*?)\n</finding-", re.DOTALL)
# The first word of each task that belongs to findings, and the part of a recorded fix that answers it.
_REFUTE, _STILL_WRONG = "refute", "is"
_PARTS = {"fix": "fix", "judge": "judgement"}
_NOTHING: Json = {
    "lookups": [],
    "findings": [],
    "verdicts": [],
    "summary": None,
    "files": [],
    "edges": [],
    "documents": [],
}


class NotRecordedError(LookupError):
    """Nobody answered such a request."""


@dataclass(frozen=True, slots=True)
class Recording:
    """`answers` by task, the second answer for a request with looked-up code; `verdicts` by claim; vendors that are `out`.

    Each of the `fixes` belongs to a finding: the `fix` and its `judgement`, if somebody fixed it, and the verdict on the
    code as it is `after` that fix or another.
    """

    answers: Mapping[str, list[Json]]
    verdicts: list[Json]
    out: tuple[str, ...]
    fixes: list[Json] = field(default_factory=list[Json])

    @classmethod
    def load(cls, folder: Path) -> "Recording":
        """Read `answers.json`."""
        return cls(**json.loads((folder / "answers.json").read_text(encoding="utf-8")))

    def answer(self, question: str) -> Json:
        """The recorded answer to a question; raises `NotRecordedError`."""
        task = _TASK.search(question)
        if task and task[1] in (_REFUTE, _STILL_WRONG):
            return {**_NOTHING, "verdicts": self._judge(question)}
        if task and task[1] in _PARTS:
            return self._fix(question)[_PARTS[task[1]]]
        rounds = self.answers.get(task[1], []) if task else []
        if not rounds:
            raise NotRecordedError(question[:80])
        answer = {**_NOTHING, **rounds[-1 if "<looked_up-" in question else 0]}
        return {
            **answer,
            "findings": [each for each in answer["findings"] if not self._is_fixed(each, question)],
        }

    def _is_fixed(self, finding: Json, question: str) -> bool:
        """Whether the question shows the code of a recorded fix of the finding."""
        edits: list[Json] = [edit for fix in self.fixes if "fix" in fix for edit in fix["fix"]["edits"]]
        return any(
            edit["path"] == finding["path"]
            and finding["quote"].strip() in edit["old"]
            and all(_shows(question, line) for line in _new_lines(edit))
            for edit in edits
        )

    def _fix(self, question: str) -> Json:
        """The recorded fix of the finding that a question is about; raises `NotRecordedError`."""
        asked = _FINDING.search(question)
        finding: Json = json.loads(asked[1]) if asked else {}
        for each in self.fixes:
            if "fix" in each and (each["path"], each["claim"]) == (finding.get("path"), finding.get("title")):
                return each
        raise NotRecordedError(question[:80])

    def _judge(self, question: str) -> list[Json]:
        """The verdicts on the claims of a question. A claim that nobody judged has none."""
        known = {(each["path"], each["claim"]): each["verdict"] for each in self.verdicts}
        after = {(each["path"], each["claim"]): each["after"] for each in self.fixes}
        claims = _CLAIMS.search(question)
        asked: list[Json] = [json.loads(line) for line in claims[1].splitlines()] if claims else []
        return [
            {"same_as": None, **verdict, "id": claim["id"]}
            for claim in asked
            if (
                verdict := after.get((claim["path"], claim["finding"]))
                if "finding" in claim
                else known.get((claim["path"], claim["claim"]))
            )
        ]


def _shows(question: str, line: str) -> bool:
    """Whether a question shows the code line; its number and mark come before it."""
    return re.search(rf"^\d+[+|]\s*{re.escape(line.strip())}$", question, re.MULTILINE) is not None


def _new_lines(edit: Json) -> list[str]:
    old = edit["old"].split("\n")
    return [line for line in edit["new"].split("\n") if line.strip() and line not in old]


@dataclass(frozen=True, slots=True)
class _Vendor:
    name: str
    read: Callable[[Json], str]
    write: Callable[[str, str, int, int], Json]
    error: Callable[[int, str], Json]

    def endpoint(self, recording: Recording) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            if self.name in recording.out:
                return JSONResponse(self.error(503, "The model is overloaded."), 503)
            body: Json = await request.json()
            text = self.read(body)
            try:
                answer = json.dumps(recording.answer(text), ensure_ascii=False)
            except NotRecordedError:
                message = "Only the sample's own requests have recorded answers."
                return JSONResponse(self.error(400, message), 400)
            model = str(body.get("model") or request.path_params.get("model", "").partition(":")[0])
            return JSONResponse(self.write(model, answer, _tokens(text), _tokens(answer)))

        return serve


def _tokens(text: str) -> int:
    return len(text) // CHARACTERS_PER_TOKEN


def build_vendors(recording: Recording) -> Starlette:
    """Anthropic, OpenAI and Google as one ASGI application; a request's path says who is meant."""
    claude, gpt, gemini = (
        each.endpoint(recording)
        for each in (
            _Vendor("claude", _read_anthropic, _write_anthropic, _anthropic_error),
            _Vendor("gpt", _read_openai, _write_openai, _openai_error),
            _Vendor("gemini", _read_gemini, _write_gemini, _gemini_error),
        )
    )
    return Starlette(
        routes=[
            Route("/v1/messages", claude, methods=["POST"]),
            Route("/v1/responses", gpt, methods=["POST"]),
            Route("/v1/models/{model}", gemini, methods=["POST"]),
            Route("/v1beta/models/{model}", gemini, methods=["POST"]),
        ]
    )


def _text(content: Any) -> str:  # noqa: ANN401 - JSON
    """All text of a vendor's content: a string, or a list of parts."""
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content or ())


def _read_anthropic(body: Json) -> str:
    return "\n".join([_text(body.get("system")), *(_text(each["content"]) for each in body["messages"])])


def _write_anthropic(model: str, text: str, used: int, out: int) -> Json:
    return {
        "id": "msg_recorded",
        "type": "message",
        "role": "assistant",
        "model": model,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "content": [{"type": "text", "text": text}],
        "usage": {"input_tokens": used, "output_tokens": out},
    }


def _anthropic_error(status: int, message: str) -> Json:
    kind = "overloaded_error" if status == 503 else "invalid_request_error"
    return {"type": "error", "error": {"type": kind, "message": message}}


def _read_openai(body: Json) -> str:
    return "\n".join(
        [str(body.get("instructions") or ""), *(_text(each["content"]) for each in body["input"])]
    )


def _write_openai(model: str, text: str, used: int, out: int) -> Json:
    part: Json = {"type": "output_text", "text": text, "annotations": []}
    item = {"id": "msg_recorded", "type": "message", "role": "assistant", "status": "completed"}
    return {
        "id": "resp_recorded",
        "object": "response",
        "created_at": 0,
        "status": "completed",
        "model": model,
        "output": [{**item, "content": [part]}],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": used,
            "output_tokens": out,
            "total_tokens": used + out,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }


def _openai_error(status: int, message: str) -> Json:
    kind = "server_error" if status == 503 else "invalid_request_error"
    return {"error": {"type": kind, "message": message, "code": None, "param": None}}


def _read_gemini(body: Json) -> str:
    system: Json = body.get("systemInstruction") or {}
    return "\n".join([_text(system.get("parts")), *(_text(each["parts"]) for each in body["contents"])])


def _write_gemini(model: str, text: str, used: int, out: int) -> Json:
    content = {"role": "model", "parts": [{"text": text}]}
    return {
        "candidates": [{"index": 0, "finishReason": "STOP", "content": content}],
        "usageMetadata": {
            "promptTokenCount": used,
            "candidatesTokenCount": out,
            "totalTokenCount": used + out,
        },
        "modelVersion": model,
        "responseId": "recorded",
    }


def _gemini_error(status: int, message: str) -> Json:
    name = "UNAVAILABLE" if status == 503 else "INVALID_ARGUMENT"
    return {"error": {"code": status, "message": message, "status": name}}
