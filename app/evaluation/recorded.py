"""Keeps what models answered, and gives it back later in place of the vendor: figures without a key and without cost.

An answer is kept under a hash of the whole request as it was sent, vendor and model included. Where only the material
has been rendered otherwise since (the system prompt and the question are the same), it is given all the same and counted
as `drifted`. Never asks a vendor when it gives back.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from app.domain.finding import Stage
from app.domain.model_call import Provider, Usage
from app.errors import InputError, ModelRequestRejected
from app.llm.client import ModelClient, ModelRequest, ModelResponse

ANSWERS = "answers.json"


class RecordedAnswer(BaseModel):
    """One answer with the names of its request; `loose_key` leaves the material out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    case: str
    provider: Provider
    model: str
    prompt_id: str
    prompt_version: str
    key: str
    loose_key: str
    input_tokens: int
    output_tokens: int
    answer: Any


_ANSWERS = TypeAdapter(list[RecordedAnswer])


class Recording:
    """A folder of answers, in memory."""

    def __init__(self, answers: list[RecordedAnswer] | None = None) -> None:
        self._answers = {answer.key: answer for answer in answers or ()}
        self._loose = {(answer.case, answer.loose_key): answer for answer in self._answers.values()}
        self.drifted = 0

    @classmethod
    def load(cls, folder: Path) -> "Recording":
        """The answers of a folder; raises `InputError` where it holds none that can be read."""
        path = folder / ANSWERS
        try:
            return cls(_ANSWERS.validate_json(path.read_bytes()))
        except (OSError, ValidationError) as error:
            raise InputError(f"{path} holds no recorded answers.") from error

    def save(self, folder: Path) -> None:
        """Write all answers, in an order that does not depend on who answered first."""
        folder.mkdir(parents=True, exist_ok=True)
        ordered = sorted(self._answers.values(), key=lambda each: (each.case, each.prompt_id, each.key))
        (folder / ANSWERS).write_bytes(_ANSWERS.dump_json(ordered, indent=1) + b"\n")

    @property
    def stages(self) -> dict[str, tuple[Stage, ...]]:
        """Case → the stages that were asked about it."""
        asked = {(each.case, each.prompt_id.partition("/")[0]) for each in self._answers.values()}
        return {
            case: tuple(stage for stage in Stage if (case, stage.value) in asked)
            for case in sorted({case for case, _ in asked})
        }

    @property
    def prompt_ids(self) -> frozenset[str]:
        """The prompts that were answered."""
        return frozenset(each.prompt_id for each in self._answers.values())

    def exact(self, key: str) -> RecordedAnswer | None:
        """The answer to exactly this request."""
        return self._answers.get(key)

    def keep(self, answer: RecordedAnswer) -> None:
        """Add an answer."""
        self._answers[answer.key] = answer

    def find(self, case: str, key: str, loose_key: str) -> RecordedAnswer | None:
        """The answer to exactly this request, else to the same question of that case."""
        if exact := self._answers.get(key):
            return exact
        if loose := self._loose.get((case, loose_key)):
            self.drifted += 1
            return loose
        return None

    def __len__(self) -> int:
        return len(self._answers)


class RecordingClient:
    """A vendor's client that keeps each answer on its way, and asks nothing that is recorded already."""

    def __init__(self, inner: ModelClient, *, case: str, recording: Recording) -> None:
        self._inner = inner
        self._case = case
        self._recording = recording

    @property
    def provider(self) -> Provider:
        """Whose client this is."""
        return self._inner.provider

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """What is recorded, else what the vendor says, kept."""
        key, loose_key = request_keys(self.provider, request)
        if known := self._recording.exact(key):
            return _response(known, request)
        response = await self._inner.generate(request)
        self._recording.keep(
            RecordedAnswer(
                case=self._case,
                provider=self.provider,
                model=request.model,
                prompt_id=request.prompt_id,
                prompt_version=request.prompt_version,
                key=key,
                loose_key=loose_key,
                input_tokens=response.usage.input_tokens,
                output_tokens=response.usage.output_tokens,
                answer=response.parsed,
            )
        )
        return response

    async def check(self, model: str) -> None:
        """As the vendor says."""
        await self._inner.check(model)

    async def aclose(self) -> None:
        """Close the vendor's connections."""
        await self._inner.aclose()


class RecordedClient:
    """Stands in for a vendor: gives back what was recorded, and rejects what was never asked."""

    def __init__(self, provider: Provider, *, case: str, recording: Recording) -> None:
        self._provider = provider
        self._case = case
        self._recording = recording

    @property
    def provider(self) -> Provider:
        """Whom it stands in for."""
        return self._provider

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """The recorded answer; raises `ModelRequestRejected` where there is none."""
        found = self._recording.find(self._case, *request_keys(self._provider, request))
        if found is None:
            raise ModelRequestRejected(
                f"No answer of {request.model} to {request.prompt_id} was recorded for {self._case}.",
                provider=self._provider,
            )
        return _response(found, request)

    async def check(self, model: str) -> None:
        """Nothing to check: there is no vendor."""

    async def aclose(self) -> None:
        """Nothing to close."""


def _response(found: RecordedAnswer, request: ModelRequest) -> ModelResponse:
    return ModelResponse(
        provider=found.provider,
        model=request.model,
        text=json.dumps(found.answer),
        parsed=found.answer,
        usage=Usage(input_tokens=found.input_tokens, output_tokens=found.output_tokens),
    )


def request_keys(provider: Provider, request: ModelRequest) -> tuple[str, str]:
    """Hashes of the request: the whole of it, and without the material."""
    asked = (provider.value, request.model, request.system, request.question)
    return _hash(*asked, request.material), _hash(*asked)


def _hash(*parts: str) -> str:
    digest = hashlib.sha256()
    for data in _encoded(parts):
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:32]


def _encoded(parts: tuple[str, ...]) -> Iterator[bytes]:
    return (part.encode("utf-8", "surrogatepass") for part in parts)
