"""The operator's secrets are in no repr, error or traceback, and only the operator can set the hosts of models."""

import traceback
from dataclasses import fields
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.domain.configuration import RepositoryConfig
from app.errors import ConfigurationError
from app.gather.configuration import parse_configuration
from app.main import build_program
from app.settings import Settings, load_settings

CANARY = "canary-5f1d0c9a7b"


def canaries(folder: Path) -> Settings:
    """Settings in which every secret is the canary."""
    secret = SecretStr(CANARY)
    names = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
    assert len(names) >= 8
    url = f"sqlite:///{folder}/quorum.db"
    return Settings.model_validate(dict.fromkeys(names, secret) | {"quorum_database_url": url})


async def test_no_secret_is_in_a_repr_or_an_error(tmp_path: Path) -> None:
    settings = canaries(tmp_path)
    program = build_program(settings)
    shown = [repr(each) for each in (settings, program, program.services, program.database)]
    error = ValueError(f"{settings!r} {program!r}")
    shown.append("".join(traceback.format_exception(error)))
    await program.close()
    assert not any(CANARY in text for text in shown)


def test_the_password_of_the_database_is_not_shown() -> None:
    settings = Settings.model_validate(
        {"quorum_database_url": f"postgresql://quorum:{CANARY}@127.0.0.1:1/quorum"}
    )
    with pytest.raises(Exception) as caught:  # noqa: PT011 - no error may contain the password
        build_program(settings)
    error = "".join(traceback.format_exception(caught.value))
    assert CANARY not in error


def test_invalid_settings_are_named_without_their_values(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text(f"QUORUM_CALL_TIMEOUT_S={CANARY}\nQUORUM_PAUSED={CANARY}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(env_file=env)
    assert "QUORUM_CALL_TIMEOUT_S" in str(caught.value)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_repository_cannot_set_hosts_keys_models_or_prompts() -> None:
    forbidden = ("url", "host", "key", "token", "model", "endpoint", "proxy", "command", "prompt")
    assert not [
        field.name for field in fields(RepositoryConfig) if any(word in field.name for word in forbidden)
    ]
    parsed = parse_configuration(
        b"anthropic_base_url: http://169.254.169.254/\nbase_url: http://evil.example\n"
    )
    assert parsed.config == parse_configuration(None).config
    assert parsed.problems
