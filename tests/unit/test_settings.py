"""Settings come from the environment, have the vendors' own names, and show no secrets."""

from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.settings import Settings, load_settings, user_state_dir

CONTRACT = [
    "GITHUB_APP_ID",
    "GITHUB_APP_PRIVATE_KEY",
    "GITHUB_APP_PRIVATE_KEY_PATH",
    "GITHUB_WEBHOOK_SECRET",
    "GITHUB_WEBHOOK_SECRET_PREVIOUS",
    "GITHUB_CLIENT_ID",
    "GITHUB_CLIENT_SECRET",
    "GITHUB_API_URL",
    "GITHUB_TOKEN",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "GEMINI_API_KEY",
    "GOOGLE_GEMINI_BASE_URL",
    "QUORUM_LOCAL_BASE_URL",
    "QUORUM_LOCAL_MODEL",
    "QUORUM_LOCAL_API_KEY",
    "QUORUM_DATA_DIR",
    "QUORUM_DATABASE_URL",
    "QUORUM_CLAUDE_MODEL",
    "QUORUM_GPT_MODEL",
    "QUORUM_GEMINI_MODEL",
    "QUORUM_CLAUDE_SMALL_MODEL",
    "QUORUM_GPT_SMALL_MODEL",
    "QUORUM_GEMINI_SMALL_MODEL",
    "QUORUM_CALL_TIMEOUT_S",
    "QUORUM_STAGE_DEADLINE_S",
    "QUORUM_DASHBOARD_TOKEN",
    "QUORUM_MCP_TOKEN",
    "QUORUM_ALLOWED_OWNERS",
    "QUORUM_DAST_TARGETS",
    "QUORUM_PAUSED",
]


def test_every_variable_of_the_contract_is_a_documented_setting() -> None:
    fields = Settings.model_fields
    assert [name for name in CONTRACT if name.lower() not in fields] == []
    assert [name for name, field in fields.items() if not field.description] == []


@pytest.mark.parametrize("name", ["GOOGLE_API_KEY", "GEMINI_API_KEY"])
def test_geminis_key_has_two_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "a-key")
    key = load_settings(env_file=None).gemini_api_key
    assert key is not None
    assert key.get_secret_value() == "a-key"


def test_an_env_file_is_read_only_if_it_is_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("GITHUB_APP_ID=7\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings(env_file=None).github_app_id is None
    assert load_settings(env_file=Path(".env")).github_app_id == "7"


def test_the_repr_of_the_settings_has_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "ANTHROPIC_API_KEY",
        "GITHUB_APP_PRIVATE_KEY",
        "GITHUB_WEBHOOK_SECRET",
        "QUORUM_MCP_TOKEN",
        "GITHUB_TOKEN",
    ):
        monkeypatch.setenv(name, "hunter2")
    assert "hunter2" not in repr(load_settings(env_file=None))


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORUM_CALL_TIMEOUT_S", "")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "")
    settings = load_settings(env_file=None)
    assert (settings.quorum_call_timeout_s, settings.anthropic_api_key) == (None, None)


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORUM_ALLOWED_OWNERS", "octo, acme,")
    assert load_settings(env_file=None).quorum_allowed_owners == ("octo", "acme")


def test_the_database_is_in_the_data_directory_unless_its_url_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUORUM_DATA_DIR", "/var/lib/quorum")
    assert load_settings(env_file=None).database_url == "sqlite:////var/lib/quorum/quorum.db"
    monkeypatch.setenv("QUORUM_DATABASE_URL", "postgresql://db/quorum")
    assert load_settings(env_file=None).database_url == "postgresql://db/quorum"


def test_the_error_for_an_unreadable_key_file_names_the_variable(tmp_path: Path) -> None:
    settings = Settings.model_validate({"github_app_private_key_path": tmp_path / "none.pem"})
    with pytest.raises(ConfigurationError, match="Cannot read GITHUB_APP_PRIVATE_KEY_PATH: No such file"):
        settings.private_key()


def test_the_state_directory_follows_xdg() -> None:
    assert user_state_dir({"XDG_STATE_HOME": "/state"}) == Path("/state/quorum")
    assert user_state_dir({}).parts[-3:] == (".local", "state", "quorum")
