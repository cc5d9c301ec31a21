"""Lets people or other programs answer a model's requests: each request becomes a file, each answer is read from one.

`NNN.request.txt` has everything that the model would see, and nothing about the case. The answer is JSON in
`NNN.answer.json`. A question that depends on an answer appears in the next run.
"""

import json
from pathlib import Path

from app.domain.model_call import Provider, Usage
from app.errors import AnswerMissing, InputError
from app.evaluation.recorded import request_keys
from app.llm.client import ModelRequest, ModelResponse

INDEX = "index.json"
CHARACTERS_PER_TOKEN = 4


class HandFolder:
    """The requests and answers in a folder; `waiting` counts the requests of this run without an answer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: set[str] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / INDEX
            self._names: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
        except (OSError, ValueError) as error:
            raise InputError(f"{folder} cannot hold requests: {error}") from error

    @property
    def waiting(self) -> int:
        """The number of requests of this run that have no answer."""
        return len(self._waiting)

    def answer(self, provider: Provider, request: ModelRequest) -> object:
        """Return the answer to a request.

        Raises:
            AnswerMissing: there is none; the request is in the folder now.
            InputError: the answer is not JSON.
        """
        key, _ = request_keys(provider, request)
        name = self._name(key)
        path = self._folder / f"{name}.answer.json"
        if not path.exists():
            self._waiting.add(name)
            text = _render(provider, request, path)
            (self._folder / f"{name}.request.txt").write_text(text, encoding="utf-8")
            raise AnswerMissing(f"Request {name} has no answer.")
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path} is not JSON: {error}") from error

    def _name(self, key: str) -> str:
        if key not in self._names:
            self._names[key] = f"{len(self._names) + 1:03}"
            (self._folder / INDEX).write_text(json.dumps(self._names, indent=1) + "\n", encoding="utf-8")
        return self._names[key]


def _render(provider: Provider, request: ModelRequest, answer: Path) -> str:
    schema = json.dumps(request.schema, indent=1, ensure_ascii=False)
    return (
        f"===== TO {provider}:{request.model}, {request.prompt_id}\n\n===== SYSTEM\n{request.system}\n\n===== USER\n{request.material}\n\n{request.question}\n\n"
        f"===== ANSWER\nOnly JSON of this schema, in {answer}:\n{schema}\n"
    )


class HandClient:
    """A model client whose answers come from a folder."""

    def __init__(self, provider: Provider, folder: HandFolder) -> None:
        self._provider = provider
        self._folder = folder

    @property
    def provider(self) -> Provider:
        """The replaced provider."""
        return self._provider

    async def generate(self, request: ModelRequest) -> ModelResponse:
        """Return the answer in the folder; raises `AnswerMissing`."""
        value = self._folder.answer(self._provider, request)
        text = json.dumps(value, ensure_ascii=False)
        sent = len(request.system) + len(request.material) + len(request.question)
        return ModelResponse(
            provider=self._provider,
            model=request.model,
            text=text,
            parsed=value,
            usage=Usage(
                input_tokens=sent // CHARACTERS_PER_TOKEN, output_tokens=len(text) // CHARACTERS_PER_TOKEN
            ),
        )

    async def check(self, model: str) -> None:
        """Do nothing: there is no provider to check with."""

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""
