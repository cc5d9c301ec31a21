"""What vendors really answer: each body from a published page, an SDK's source or a public report, through the real SDKs."""

import json
from pathlib import Path
from typing import Any

import pytest

from app import errors
from app.domain.model_call import Provider
from app.errors import ModelError
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


@pytest.mark.parametrize(
    "body", ["", [], "text", {"error": None}, {"error": []}, {"error": {"code": 5, "type": 7}}]
)
@pytest.mark.parametrize("provider", [Provider.CLAUDE, Provider.GPT, Provider.GEMINI, Provider.LOCAL])
@pytest.mark.parametrize("status", [400, 429, 500])
async def test_a_body_of_any_shape_is_an_error_with_a_sentence(
    provider: Provider, status: int, body: object
) -> None:
    assert str(await failure(provider, status, body)).endswith(".")
