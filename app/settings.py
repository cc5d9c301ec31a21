"""The operator's settings, read from the environment. Loaded once by the composition root, which passes values on."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, DotEnvSettingsSource, NoDecode, SettingsConfigDict

from app.domain.configuration import Finders
from app.domain.model_call import NAME_PATTERN
from app.errors import ConfigurationError
from app.servers import NamedServer, load_servers


def user_state_dir(environ: dict[str, str]) -> Path:
    """Return the directory for the data of `review` and `mcp`, outside the checkout (XDG base directories)."""
    state = environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "quorum"


def _count_or_auto(value: object) -> object:
    """Variables are text; `finders` is a number or `auto`."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


class Settings(BaseSettings):
    """One field per variable; docs/configuration.md is generated from the descriptions."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True, populate_by_name=True
    )

    github_app_id: str | None = Field(None, description="The App's id.")
    github_app_private_key: SecretStr | None = Field(None, description="The App's private key, PEM text.")
    github_app_private_key_path: Path | None = Field(None, description="Path of the App's private key.")
    github_webhook_secret: SecretStr | None = Field(None, description="The webhook secret.")
    github_webhook_secret_previous: SecretStr | None = Field(
        None, description="The previous webhook secret, during a rotation."
    )
    github_client_id: str | None = Field(None, description="The App's client id, for sign-in with GitHub.")
    github_client_secret: SecretStr | None = Field(
        None, description="The App's client secret, for sign-in with GitHub."
    )
    github_app_slug: str = Field("quorum", description="The App's name in URLs and mentions.")
    github_api_url: str = Field(
        "https://api.github.com",
        description="URL of GitHub's API; for GitHub Enterprise Server: https://HOST/api/v3.",
    )
    github_token: SecretStr | None = Field(None, description="Token for `quorum review URL` only.")

    anthropic_api_key: SecretStr | None = Field(None, description="Anthropic API key, for Claude.")
    anthropic_base_url: str | None = Field(None, description="Alternative URL of the Anthropic API.")
    openai_api_key: SecretStr | None = Field(None, description="OpenAI API key, for GPT.")
    openai_base_url: str | None = Field(None, description="Alternative URL of the OpenAI API, including /v1.")
    gemini_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("google_api_key", "gemini_api_key"),
        description="Google API key, for Gemini. GOOGLE_API_KEY takes precedence over GEMINI_API_KEY.",
    )
    google_gemini_base_url: str | None = Field(None, description="Alternative URL of the Gemini API.")
    google_genai_api_version: str | None = Field(None, description="Version of the Gemini API, e.g. v1beta.")
    quorum_local_base_url: str | None = Field(
        None, description="URL of a local OpenAI-compatible server, including /v1."
    )
    quorum_local_model: str | None = Field(None, description="The local server's model.")
    quorum_local_api_key: SecretStr | None = Field(
        None, description="The local server's API key, if required."
    )
    quorum_local_vendor: str | None = Field(
        None,
        pattern=rf"^{NAME_PATTERN}$",
        description="Who made the local server's model, as in `vendor` of a named server.",
    )
    quorum_servers_file: Path | None = Field(
        None, description="Path of a file with more OpenAI-compatible servers; see docs/providers.md."
    )

    quorum_data_dir: Path = Field(Path(".quorum"), description="Data directory.")
    quorum_database_url: str | None = Field(
        None, description="sqlite:///… or postgresql://…; default: quorum.db in the data directory."
    )
    quorum_claude_model: str = Field("claude-sonnet-5-5", description="Claude's model.")
    quorum_gpt_model: str = Field("gpt-6.2-sol", description="GPT's model.")
    quorum_gemini_model: str = Field("gemini-3.8-flash", description="Gemini's model.")
    quorum_claude_small_model: str = Field("claude-haiku-5-5", description="Claude's model for small tasks.")
    quorum_gpt_small_model: str = Field("gpt-6-luna", description="GPT's model for small tasks.")
    quorum_gemini_small_model: str = Field(
        "gemini-3.5-flash-lite", description="Gemini's model for small tasks."
    )
    quorum_calls_at_once: int = Field(
        32, ge=1, description="Concurrent calls per provider, across all processes; a local server: 1."
    )
    quorum_call_timeout_s: float | None = Field(
        None,
        gt=0,
        description="Time limit of an attempt, in seconds; default: from the tokens allowed and the speed seen.",
    )
    quorum_stage_deadline_s: float = Field(600.0, gt=0, description="Time limit of a stage, in seconds.")
    quorum_finders: Annotated[Finders, BeforeValidator(_count_or_auto)] = Field(
        "auto", description="How many vendors search a change, unless the repository sets `finders`."
    )
    quorum_finder_lookups: int = Field(
        1, ge=0, le=3, description="How often a finder may look at more code, in reviews of the full tier."
    )
    quorum_verifier_lookups: int = Field(
        2, ge=0, le=3, description="How often a verifier may look at more code, except in trivial changes."
    )
    quorum_cache_ttl_s: float = Field(
        7 * 86_400.0, ge=0, description="How long the response cache keeps an answer, in seconds."
    )
    quorum_trivial_max_lines: int = Field(
        10, ge=0, description="Maximum number of changed lines of a trivial change."
    )
    quorum_lite_max_lines: int = Field(
        100, ge=0, description="Maximum number of changed lines of a lite change."
    )
    quorum_full_min_files: int = Field(
        50, ge=1, description="Minimum number of changed files of a full change."
    )
    quorum_chunk_tokens: int = Field(40_000, ge=1_000, description="Tokens per chunk of a large change.")
    quorum_budget_review_usd: float | None = Field(None, ge=0, description="Budget per review.")
    quorum_budget_pull_request_day_usd: float | None = Field(
        None, ge=0, description="Budget per pull request and day."
    )
    quorum_budget_repository_month_usd: float | None = Field(
        None, ge=0, description="Budget per repository and month."
    )
    quorum_budget_installation_month_usd: float | None = Field(
        None, ge=0, description="Budget per installation and month."
    )
    quorum_debounce_s: float = Field(
        5.0, ge=0, description="How long a push waits for the next one, in seconds."
    )
    quorum_retention_days: int = Field(
        30, ge=1, description="Days after which text of findings and answers is deleted."
    )

    quorum_dashboard_token: SecretStr | None = Field(
        None, description="Token for dashboard, API and metrics; generated and printed at startup if not set."
    )
    quorum_mcp_token: SecretStr | None = Field(
        None, description="Token for /mcp; generated at startup if not set."
    )
    quorum_mcp_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Public host names of /mcp, comma-separated; loopback is always allowed."
    )
    quorum_allowed_owners: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Accounts whose installations are served, comma-separated; empty: all."
    )
    quorum_allowed_bots: Annotated[tuple[int, ...], NoDecode] = Field(
        (), description="Ids of bot accounts that may use commands, comma-separated; empty: none."
    )
    quorum_public_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="Public URL of the dashboard, e.g. https://quorum.example.com; check runs link to it.",
    )
    quorum_dast_targets: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Hosts to which `security_scan` may send test requests, comma-separated."
    )
    quorum_dast_all_methods: bool = Field(
        False, description="true: these tests may use every HTTP method, not only GET and HEAD."
    )
    quorum_code_scanning: bool = Field(
        False,
        description="true: also upload findings to GitHub code scanning; the App needs `security_events: write`.",
    )
    quorum_notify_url: str | None = Field(
        None, description="URL for notifications: https, or http on loopback; see docs/notifications.md."
    )
    quorum_notify_secret: SecretStr | None = Field(
        None, description="Secret that signs notifications, 24 to 64 bytes in base64."
    )
    quorum_slack_url: SecretStr | None = Field(
        None, description="Incoming webhook of Slack for budgets and the weekly digest."
    )
    quorum_teams_url: SecretStr | None = Field(
        None, description="Incoming webhook of Microsoft Teams for budgets and the weekly digest."
    )
    quorum_smtp_url: SecretStr | None = Field(
        None, description="Mail server for the same, e.g. smtps://USER:PASSWORD@HOST; smtp:// uses STARTTLS."
    )
    quorum_mail_from: str | None = Field(None, description="Sender of this mail.")
    quorum_mail_to: str = Field("", description="Recipients of this mail, comma-separated.")
    quorum_paused: bool = Field(False, description="true: deliveries are stored, but no jobs run.")

    @field_validator(
        "quorum_allowed_owners",
        "quorum_allowed_bots",
        "quorum_dast_targets",
        "quorum_mcp_hosts",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("quorum_public_url")
    @classmethod
    def _without_slash(cls, value: str | None) -> str | None:
        return value.rstrip("/") if value else value

    _dotenv: Mapping[str, str | None] = PrivateAttr(default_factory=dict[str, str | None])

    def read_keys_from(self, env_file: Path) -> None:
        """Let the entries of the servers' file name variables in `.env` too."""
        self._dotenv = DotEnvSettingsSource(Settings, env_file=env_file, case_sensitive=True).env_vars

    def servers(self) -> tuple[NamedServer, ...]:
        """Return the named servers; raise `ConfigurationError` if their file or one of their keys cannot be used."""
        if self.quorum_servers_file is None:
            return ()
        values = {name: value or "" for name, value in self._dotenv.items()}
        return load_servers(self.quorum_servers_file, {**values, **os.environ})

    @property
    def database_url(self) -> str:
        """The URL of the database; by default a file in the data directory."""
        return self.quorum_database_url or f"sqlite:///{self.quorum_data_dir / 'quorum.db'}"

    def private_key(self) -> str | None:
        """Return the App's key from the variable or the file; raise `ConfigurationError` if the file is unreadable."""
        if self.github_app_private_key:
            return self.github_app_private_key.get_secret_value()
        if not self.github_app_private_key_path:
            return None
        try:
            return self.github_app_private_key_path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"Cannot read GITHUB_APP_PRIVATE_KEY_PATH: {error.strerror}.") from error


def load_settings(*, env_file: Path | None) -> Settings:
    """Load the settings from the environment and, for the operator's own commands, from `.env`.

    Raises:
        ConfigurationError: a setting is invalid; the message names the variable, never its value.
    """
    try:
        settings = Settings(_env_file=env_file)  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        wrong = [
            f"{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}"
            for e in error.errors(include_input=False, include_context=False)
        ]
        raise ConfigurationError("; ".join(wrong)) from None
    if env_file is not None and settings.quorum_servers_file is not None:
        settings.read_keys_from(env_file)
    return settings
