"""Behind a company's proxy with a private CA: the SDKs' own clients, built from the environment only, over real TLS."""

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from app.domain.model_call import Provider
from app.errors import ModelUnavailable
from app.llm.build import build_client
from app.main import provider_access
from app.settings import load_settings
from tests.fakes.company_network import CompanyNetwork, company_network
from tests.fakes.vendors import KEYS, MODELS, FakeVendors
from tests.unit.llm.harness import request

CLAUDE, GPT, GEMINI = Provider.CLAUDE, Provider.GPT, Provider.GEMINI
SIGN_IN = "oauth2.googleapis.com"


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to reach a vendor's models: what the operator sets, and the host that gets the requests."""

    provider: Provider
    host: str
    environment: Mapping[str, str]
    model: str = ""
    also: tuple[str, ...] = field(default=())


WAYS = {
    "anthropic": Way(
        provider=CLAUDE, host="api.anthropic.com", environment={"ANTHROPIC_API_KEY": KEYS[CLAUDE]}
    ),
    "openai": Way(provider=GPT, host="api.openai.com", environment={"OPENAI_API_KEY": KEYS[GPT]}),
    "gemini": Way(
        provider=GEMINI,
        host="generativelanguage.googleapis.com",
        environment={"GEMINI_API_KEY": KEYS[GEMINI]},
    ),
    "bedrock": Way(
        provider=CLAUDE,
        host="bedrock-runtime.eu-central-1.amazonaws.com",
        environment={"AWS_BEARER_TOKEN_BEDROCK": KEYS[CLAUDE], "AWS_REGION": "eu-central-1"},
        model="eu.anthropic.claude-sonnet-5-5-v1:0",
    ),
    "azure": Way(
        provider=GPT,
        host="octo.openai.azure.com",
        environment={
            "AZURE_OPENAI_ENDPOINT": "https://octo.openai.azure.com",
            "AZURE_OPENAI_API_KEY": KEYS[GPT],
            "OPENAI_API_VERSION": "2026-10-01-preview",
        },
        model="my-deployment",
    ),
    "vertex": Way(
        provider=GEMINI,
        host="europe-west4-aiplatform.googleapis.com",
        environment={
            "GOOGLE_GENAI_USE_VERTEXAI": "true",
            "GOOGLE_CLOUD_PROJECT": "octo",
            "GOOGLE_CLOUD_LOCATION": "europe-west4",
        },
        also=(SIGN_IN,),
    ),
}


async def sign_in(_: Request) -> Response:
    """Google's token for a service account."""
    return JSONResponse({"access_token": KEYS[GEMINI], "expires_in": 3600, "token_type": "Bearer"})


@pytest.fixture
def vendors() -> FakeVendors:
    return FakeVendors()


@pytest.fixture
async def network(vendors: FakeVendors, tmp_path: Path) -> AsyncGenerator[CompanyNetwork]:
    app = Starlette(routes=[Route("/token", sign_in, methods=["POST"]), Mount("/", vendors.app)])
    hosts = [*(way.host for way in WAYS.values()), SIGN_IN]
    async with company_network(app, hosts=hosts, folder=tmp_path) as network:
        yield network


@pytest.fixture
def service_account(tmp_path: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    path = tmp_path / "service-account.json"
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "client_email": "quorum@octo.iam.gserviceaccount.com",
                "private_key": pem,
                "token_uri": f"https://{SIGN_IN}/token",
            }
        )
    )
    return path


@pytest.mark.parametrize("name", WAYS)
async def test_every_client_uses_the_proxy_and_trusts_the_companys_ca(
    name: str,
    network: CompanyNetwork,
    vendors: FakeVendors,
    service_account: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = WAYS[name]
    environment = {**network.environment, **way.environment}
    environment["GOOGLE_APPLICATION_CREDENTIALS"] = str(service_account)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    access = provider_access(load_settings(env_file=None), environment)[way.provider]
    client = build_client(way.provider, access)
    try:
        response = await client.generate(
            request(model=way.model or MODELS[way.provider].large, timeout_s=300.0)
        )
    finally:
        await client.aclose()
    assert response.parsed == {"findings": []}
    assert [sent.provider for sent in vendors.requests] == [way.provider]
    assert set(network.connected) == {way.host, *way.also}


@pytest.mark.parametrize("name", ["anthropic", "openai", "gemini"])
async def test_without_the_companys_ca_nothing_is_sent(
    name: str, network: CompanyNetwork, vendors: FakeVendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = WAYS[name]
    for variable, value in {"HTTPS_PROXY": network.proxy, **way.environment}.items():
        monkeypatch.setenv(variable, value)
    client = build_client(
        way.provider, provider_access(load_settings(env_file=None), way.environment)[way.provider]
    )
    with pytest.raises(ModelUnavailable, match="The connection to .* failed"):
        await client.generate(request(model=MODELS[way.provider].large, timeout_s=300.0))
    await client.aclose()
    assert vendors.requests == []
    assert network.connected == [way.host]
