"""What vendors really answer: each body from a published page, an SDK's source or a public report, through the real SDKs."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from openai.types.responses.response_error import ResponseError

from app import errors
from app.domain.model_call import Provider
from app.errors import ModelError, ModelRateLimited, ModelRefused
from app.llm.build import build_client
from tests.fakes.vendors import FakeVendors
from tests.unit.llm.harness import request

ROWS = json.loads((Path(__file__).parents[2] / "data" / "vendor_bodies.json").read_text())


async def failure(provider: Provider, status: int, body: object) -> ModelError:
    """Return the error of a request that the vendor answers with this status and body."""
    vendors = FakeVendors()
    vendors.refusals[provider] = lambda _: (status, body)
    access = vendors.access(provider)[provider]
    client = build_client(provider, access, vendors.http_client())
    with pytest.raises(ModelError) as failed:
        await client.generate(request(model=access.models.large))
    await client.aclose()
    return failed.value


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{number} {row['provider']} {row['kind']}" for number, row in enumerate(ROWS)]
)
async def test_a_body_is_understood(row: dict[str, Any]) -> None:
    error = await failure(Provider(row["provider"]), row["status"], row["body"])
    assert (type(error), str(error)) == (getattr(errors, row["kind"]), row["sentence"])


@pytest.mark.parametrize("code", get_args(ResponseError.model_fields["code"].annotation))
async def test_a_failure_inside_a_200_is_a_refusal_if_its_code_names_a_policy(code: str) -> None:
    """The codes are those of OpenAI's SDK."""
    body: dict[str, Any] = {
        "id": "resp_1", "object": "response", "created_at": 0, "model": "gpt-6.2-sol", "status": "failed",
        "error": {"code": code, "message": "It failed."}, "output": [], "tools": [], "tool_choice": "auto",
        "parallel_tool_calls": False,
    }  # fmt: skip
    error = await failure(Provider.GPT, 200, body)
    assert isinstance(error, ModelRefused) == ("policy" in code)
    assert isinstance(error, ModelRateLimited) == (code == "rate_limit_exceeded")


@pytest.mark.parametrize(
    "body", ["", [], "text", {"error": None}, {"error": []}, {"error": {"code": 5, "type": 7}}]
)
@pytest.mark.parametrize("provider", [Provider.CLAUDE, Provider.GPT, Provider.GEMINI, Provider.LOCAL])
@pytest.mark.parametrize("status", [400, 429, 500])
async def test_a_body_of_any_shape_is_an_error_with_a_sentence(
    provider: Provider, status: int, body: object
) -> None:
    assert str(await failure(provider, status, body)).endswith(".")
