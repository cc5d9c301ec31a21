"""Claude on Bedrock, GPT on Azure and Gemini on Vertex, with the SDKs' own clients and the clouds' own variables."""

import pytest

from app.domain.model_call import Provider
from app.errors import ModelAuthFailed
from app.llm.anthropic import AnthropicClient
from app.llm.build import Cloud, ModelSettings, VendorAccess, build_models
from app.llm.gemini import GeminiClient
from app.llm.openai import OpenAIClient
from app.llm.router import VendorModels
from tests.fakes.vendors import KEYS, FakeVendors
from tests.unit.llm.harness import request


async def test_claude_answers_on_bedrock(monkeypatch: pytest.MonkeyPatch) -> None:
    vendors = FakeVendors()
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", KEYS[Provider.CLAUDE])
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    client = AnthropicClient(api_key=None, bedrock=True, http_client=vendors.http_client())
    response = await client.generate(request(model="eu.anthropic.claude-sonnet-5-5-v1:0"))
    assert response.parsed == {"findings": []}
    assert vendors.requests[0].model == "eu.anthropic.claude-sonnet-5-5-v1:0"
    await client.check("any")
    await client.aclose()


async def test_gpt_answers_on_azure(monkeypatch: pytest.MonkeyPatch) -> None:
    vendors = FakeVendors()
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "http://vendors.test")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEYS[Provider.GPT])
    monkeypatch.setenv("OPENAI_API_VERSION", "2026-10-01-preview")
    client = OpenAIClient(api_key=None, azure=True, http_client=vendors.http_client())
    response = await client.generate(request(model="my-deployment"))
    assert response.parsed == {"findings": []}
    assert vendors.requests[0].model == "my-deployment"
    await client.check("any")
    await client.aclose()


@pytest.mark.parametrize(
    "client",
    [
        AnthropicClient(api_key=None, bedrock=True, base_url="http://[broken"),
        OpenAIClient(api_key=None, azure=True),
        GeminiClient(api_key=None, vertex=True),
    ],
    ids=["bedrock", "azure", "vertex"],
)
async def test_missing_cloud_variables_count_as_a_refused_key(
    client: AnthropicClient | OpenAIClient | GeminiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AZURE_OPENAI_ENDPOINT", "OPENAI_API_VERSION", "GOOGLE_CLOUD_PROJECT", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    with pytest.raises(ModelAuthFailed, match="cannot be created"):
        await client.generate(request(model="any"))
    await client.aclose()


def test_a_cloud_makes_a_provider_usable_without_a_key() -> None:
    names = VendorModels(large="a", small="b")
    access = {
        Provider.CLAUDE: VendorAccess(models=names, cloud=Cloud.BEDROCK),
        Provider.GPT: VendorAccess(models=names),
        Provider.LOCAL: VendorAccess(models=names, base_url=None),
    }
    models = build_models(ModelSettings(access=access))
    assert models.providers == (Provider.CLAUDE,)
