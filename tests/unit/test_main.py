"""The composition root: how the environment determines which providers are reached, and what is redacted."""

from pathlib import Path
from random import Random

import pytest

from app.domain.model_call import Provider
from app.llm.build import Cloud
from app.main import build_program, provider_access
from app.settings import Settings
from app.store.processes import DASHBOARD, FENCE, MCP, load_or_create_secret

CLAUDE, GPT, GEMINI = Provider.CLAUDE, Provider.GPT, Provider.GEMINI
CLOUDS = {
    CLAUDE: (Cloud.BEDROCK, "AWS_BEARER_TOKEN_BEDROCK", "a-token"),
    GPT: (Cloud.AZURE, "AZURE_OPENAI_ENDPOINT", "https://shop.openai.azure.com"),
    GEMINI: (Cloud.VERTEX, "GOOGLE_GENAI_USE_VERTEXAI", "true"),
}
KEYS = {CLAUDE: "anthropic_api_key", GPT: "openai_api_key", GEMINI: "gemini_api_key"}


def made_key() -> str:
    return f"sk-{Random(1).getrandbits(80):x}"


def settings(**values: str) -> Settings:
    return Settings.model_validate(values)


@pytest.mark.parametrize("provider", CLOUDS)
def test_a_cloud_serves_a_vendor_without_a_key(provider: Provider) -> None:
    cloud, variable, value = CLOUDS[provider]
    access = provider_access(settings(), {variable: value})
    assert access[provider].cloud is cloud
    assert [each for each in access if access[each].is_usable(each)] == [provider]


@pytest.mark.parametrize("provider", CLOUDS)
def test_a_vendors_own_key_takes_precedence_over_a_cloud(provider: Provider) -> None:
    _, variable, value = CLOUDS[provider]
    access = provider_access(settings(**{KEYS[provider]: made_key()}), {variable: value})
    assert (access[provider].cloud, access[provider].api_key) == (None, made_key())


@pytest.mark.parametrize("value", ["", "0", "false", "False"])
def test_a_variable_that_is_off_selects_no_cloud(value: str) -> None:
    assert provider_access(settings(), {"GOOGLE_GENAI_USE_VERTEXAI": value})[GEMINI].cloud is None


def test_without_a_key_no_provider_is_usable() -> None:
    access = provider_access(settings(), {})
    assert not any(each.is_usable(provider) for provider, each in access.items())


@pytest.mark.parametrize("exists", [True, False])
async def test_the_apps_key_is_redacted_if_its_file_can_be_read(tmp_path: Path, exists: bool) -> None:
    key, path = f"{Random(2).getrandbits(400):x}", tmp_path / "app.pem"
    if exists:
        path.write_text(key, encoding="utf-8")
    program = build_program(settings(quorum_data_dir=str(tmp_path), github_app_private_key_path=str(path)))
    try:
        assert (key in program.services.redactor.redact(f"it is {key}")) is not exists
    finally:
        await program.close()


@pytest.mark.parametrize("name", [FENCE, DASHBOARD, MCP])
async def test_a_secret_that_quorum_generates_is_redacted_from_the_first_start(
    tmp_path: Path, name: str
) -> None:
    program = build_program(settings(quorum_data_dir=str(tmp_path)))
    try:
        secret = load_or_create_secret(program.database, name)
        assert secret not in program.services.redactor.redact(f"it is {secret}")
    finally:
        await program.close()
