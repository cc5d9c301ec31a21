"""The composition root: which provider is reached how, by the environment alone."""

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


def settings(**given: str) -> Settings:
    return Settings.model_validate(given)


@pytest.mark.parametrize("provider", CLOUDS)
def test_a_cloud_serves_a_vendor_that_has_no_key_of_its_own(provider: Provider) -> None:
    cloud, variable, value = CLOUDS[provider]
    access = provider_access(settings(), {variable: value})
    assert access[provider].cloud is cloud
    assert [each for each in access if access[each].is_usable(each)] == [provider]


@pytest.mark.parametrize("provider", CLOUDS)
def test_a_vendors_own_key_comes_before_a_cloud(provider: Provider) -> None:
    _, variable, value = CLOUDS[provider]
    access = provider_access(settings(**{KEYS[provider]: made_key()}), {variable: value})
    assert (access[provider].cloud, access[provider].api_key) == (None, made_key())


@pytest.mark.parametrize("value", ["", "0", "false", "False"])
def test_a_switch_that_says_no_is_no(value: str) -> None:
    assert provider_access(settings(), {"GOOGLE_GENAI_USE_VERTEXAI": value})[GEMINI].cloud is None


def test_nobody_is_reached_without_a_key() -> None:
    access = provider_access(settings(), {})
    assert not any(each.is_usable(provider) for provider, each in access.items())


@pytest.mark.parametrize("is_there", [True, False])
async def test_the_apps_key_from_a_file_is_redacted_as_one_from_a_variable(
    tmp_path: Path, is_there: bool
) -> None:
    key, path = f"{Random(2).getrandbits(400):x}", tmp_path / "app.pem"
    if is_there:
        path.write_text(key, encoding="utf-8")
    given = settings(quorum_data_dir=str(tmp_path), github_app_private_key_path=str(path))
    program = build_program(given)
    try:
        assert (key in program.services.redactor.redact(f"it is {key}")) is not is_there
    finally:
        await program.close()


@pytest.mark.parametrize("name", [FENCE, DASHBOARD, MCP])
async def test_a_secret_that_quorum_has_made_for_itself_is_redacted_from_the_first_start_on(
    tmp_path: Path, name: str
) -> None:
    program = build_program(settings(quorum_data_dir=str(tmp_path)))
    try:
        made = load_or_create_secret(program.database, name)
        assert made not in program.services.redactor.redact(f"it is {made}")
    finally:
        await program.close()
