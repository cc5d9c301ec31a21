"""Records models' answers and replays them in place of the provider, so that an evaluation needs no key and costs nothing.

An answer is stored under a hash of the whole request, including provider and model. If only the rendering of the material
has changed since (system prompt and question are the same), the answer is replayed as well and counted as `drifted`.
Replaying never calls a provider.
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
    """An answer and its request; `loose_key` is the hash without the material."""

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
    """The recorded answers of a folder, in memory."""

    def __init__(self, answers: list[RecordedAnswer] | None = None) -> None:
        self._answers = {answer.key: answer for answer in answers or ()}
        self._loose = {(answer.case, answer.loose_key): answer for answer in self._answers.values()}
        self.drifted = 0

    @classmethod
    def load(cls, folder: Path) -> "Recording":
        """Load the answers of a folder; raise `InputError` if it contains no readable answers."""
        path = folder / ANSWERS
        try:
            return cls(_ANSWERS.validate_json(path.read_bytes()))
        except (OSError, ValidationError) as error:
            raise InputError(f"{path} contains no recorded answers.") from error

    def save(self, folder: Path) -> None:
        """Write all answers in a stable order."""
        folder.mkdir(parents=True, exist_ok=True)
        ordered = sorted(self._answers.values(), key=lambda each: (each.case, each.prompt_id, each.key))
        (folder / ANSWERS).write_bytes(_ANSWERS.dump_json(ordered, indent=1) + b"\n")

    @property
    def stages(self) -> dict[str, tuple[Stage, ...]]:
        """The recorded stages by case."""
        recorded = {(each.case, each.prompt_id.partition("/")[0]) for each in self._answers.values()}
        return {
            case: tuple(stage for stage in Stage if (case, stage.value) in recorded)
            for case in sorted({case for case, _ in recorded})
        }

    @property
    def prompt_ids(self) -> frozenset[str]:
        """The prompts with recorded answers."""
        return frozenset(each.prompt_id for each in self._answers.values())

    def exact(self, key: str) -> RecordedAnswer | None:
        """Return the answer to exactly this request."""
        return self._answers.get(key)

    def keep(self, answer: RecordedAnswer) -> None:
        """Add an answer."""
        self._answers[answer.key] = answer

    def find(self, case: str, key: str, loose_key: str) -> RecordedAnswer | None:
        """Return the answer to exactly this request, or else to the same question of the case."""
        if exact := self._answers.get(key):
            return exact
        if loose := self._loose.get((case, loose_key)):
            self.drifted += 1
            return loose
        return None

    def __len__(self) -> int:
        return len(self._answers)


class RecordingClient:
    """A model client that records each answer, and replays answers that are already recorded."""

    def __init__(self, inner: ModelClient, *, case: str, recording: Recording) -> None:
        self._inner = inner
        self._case = case
        self._recording = recording

    @property
    def provider(self) -> Provider:
        """The provider of the wrapped client."""
        return self._inner.provider

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """Return the recorded answer, or call the provider and record its answer."""
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
        """Check the model with the provider."""
        await self._inner.check(model)

    async def aclose(self) -> None:
        """Close the provider's connections."""
        await self._inner.aclose()


class RecordedClient:
    """Replaces a provider: replays recorded answers and rejects other requests."""

    def __init__(self, provider: Provider, *, case: str, recording: Recording) -> None:
        self._provider = provider
        self._case = case
        self._recording = recording

    @property
    def provider(self) -> Provider:
        """The replaced provider."""
        return self._provider

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """Return the recorded answer; raise `ModelRequestRejected` if there is none."""
        found = self._recording.find(self._case, *request_keys(self._provider, request))
        if found is None:
            raise ModelRequestRejected(
                f"There is no recorded answer of {request.model} to {request.prompt_id} for {self._case}.",
                provider=self._provider,
            )
        return _response(found, request)

    async def check(self, model: str) -> None:
        """Do nothing: there is no provider to check with."""

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""


def _response(found: RecordedAnswer, request: ModelRequest) -> ModelResponse:
    return ModelResponse(
        provider=found.provider,
        model=request.model,
        text=json.dumps(found.answer),
        parsed=found.answer,
        usage=Usage(input_tokens=found.input_tokens, output_tokens=found.output_tokens),
    )


def request_keys(provider: Provider, request: ModelRequest) -> tuple[str, str]:
    """Return the hashes of the whole request and of the request without its material."""
    parts = (provider.value, request.model, request.system, request.question)
    return _hash(*parts, request.material), _hash(*parts)


def _hash(*parts: str) -> str:
    digest = hashlib.sha256()
    for data in _encoded(parts):
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:32]


def _encoded(parts: tuple[str, ...]) -> Iterator[bytes]:
    return (part.encode("utf-8", "surrogatepass") for part in parts)
