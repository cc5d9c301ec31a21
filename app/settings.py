"""The operator's settings, from the environment alone. Built once, by the composition root; stations get values."""

from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.errors import ConfigurationError


def user_state_dir(environ: dict[str, str]) -> Path:
    """Where `review` and `mcp` keep their data: never in the checkout they run in (XDG base directories)."""
    state = environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "quorum"


class Settings(BaseSettings):
    """One field a variable; the descriptions are the documentation (a test holds docs/ against them)."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True, populate_by_name=True
    )

    github_app_id: str | None = Field(None, description="The App's id.")
    github_app_private_key: SecretStr | None = Field(None, description="The App's private key, PEM text.")
    github_app_private_key_path: Path | None = Field(None, description="File with the App's private key.")
    github_webhook_secret: SecretStr | None = Field(None, description="Secret of the webhook's signature.")
    github_webhook_secret_previous: SecretStr | None = Field(
        None, description="The secret before it, while rotating."
    )
    github_client_id: str | None = Field(None, description="The App's client id, for signing in.")
    github_client_secret: SecretStr | None = Field(
        None, description="The App's client secret, for signing in."
    )
    github_app_slug: str = Field("quorum", description="The App's name in addresses: how people mention it.")
    github_api_url: str = Field(
        "https://api.github.com", description="GitHub's API; GHES: https://HOST/api/v3."
    )
    github_token: SecretStr | None = Field(None, description="Token for `quorum review URL` alone.")

    anthropic_api_key: SecretStr | None = Field(None, description="Anthropic's key: Claude reviews.")
    anthropic_base_url: str | None = Field(None, description="Another address for Anthropic's API.")
    openai_api_key: SecretStr | None = Field(None, description="OpenAI's key: GPT scans.")
    openai_base_url: str | None = Field(None, description="Another address for OpenAI's API, with /v1.")
    gemini_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("google_api_key", "gemini_api_key"),
        description="Google's key: Gemini documents. GOOGLE_API_KEY wins over GEMINI_API_KEY.",
    )
    google_gemini_base_url: str | None = Field(None, description="Another address for the Gemini API.")
    google_genai_api_version: str | None = Field(None, description="The Gemini API's version, e.g. v1beta.")
    quorum_local_base_url: str | None = Field(
        None, description="A local, OpenAI-compatible server, with /v1."
    )
    quorum_local_model: str | None = Field(None, description="The model that the local server runs.")
    quorum_local_api_key: SecretStr | None = Field(
        None, description="The local server's key, if it wants one."
    )

    quorum_data_dir: Path = Field(Path(".quorum"), description="Where data is kept.")
    quorum_database_url: str | None = Field(
        None, description="sqlite:///… or postgresql://…; default: quorum.db in the data directory."
    )
    quorum_claude_model: str = Field("claude-sonnet-5-5", description="Claude's model.")
    quorum_gpt_model: str = Field("gpt-6.2-sol", description="GPT's model.")
    quorum_gemini_model: str = Field("gemini-3.8-flash", description="Gemini's model.")
    quorum_claude_small_model: str = Field("claude-haiku-5-5", description="Claude's model for small work.")
    quorum_gpt_small_model: str = Field("gpt-6-luna", description="GPT's model for small work.")
    quorum_gemini_small_model: str = Field(
        "gemini-3.5-flash-lite", description="Gemini's model for small work."
    )
    quorum_calls_at_once: int = Field(
        32, ge=1, description="Calls to one provider at a time, over all processes; a local server: 1."
    )
    quorum_call_timeout_s: float = Field(240.0, gt=0, description="Time of one attempt, in seconds.")
    quorum_stage_deadline_s: float = Field(600.0, gt=0, description="Time of one stage, in seconds.")
    quorum_cache_ttl_s: float = Field(
        7 * 86_400.0, ge=0, description="How long an answer is kept in the response cache, in seconds."
    )
    quorum_trivial_max_lines: int = Field(
        10, ge=0, description="Changed lines up to which a change is trivial."
    )
    quorum_lite_max_lines: int = Field(100, ge=0, description="Changed lines up to which a change is lite.")
    quorum_full_min_files: int = Field(50, ge=1, description="Changed files from which a change is full.")
    quorum_chunk_tokens: int = Field(40_000, ge=1_000, description="Tokens of one chunk of a large change.")
    quorum_budget_review_usd: float | None = Field(None, ge=0, description="Budget of one review.")
    quorum_budget_pull_request_day_usd: float | None = Field(
        None, ge=0, description="Budget of one pull request and day."
    )
    quorum_budget_repository_month_usd: float | None = Field(
        None, ge=0, description="Budget of one repository and month."
    )
    quorum_budget_installation_month_usd: float | None = Field(
        None, ge=0, description="Budget of one installation and month."
    )
    quorum_debounce_s: float = Field(
        5.0, ge=0, description="How long a push waits for the next one, in seconds."
    )
    quorum_retention_days: int = Field(30, ge=1, description="How long findings and answers are kept.")

    quorum_dashboard_token: SecretStr | None = Field(
        None, description="Token of dashboard, API and metrics; made and printed at start where not set."
    )
    quorum_mcp_token: SecretStr | None = Field(
        None, description="Token of /mcp; made at start where not set."
    )
    quorum_mcp_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Public hosts under which /mcp is reached, with commas; loopback always is."
    )
    quorum_allowed_owners: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Accounts whose installations are served, with commas; empty: all."
    )
    quorum_allowed_bots: Annotated[tuple[int, ...], NoDecode] = Field(
        (), description="Ids of bot accounts that may give commands, with commas; empty: none."
    )
    quorum_public_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="Where people reach the dashboard, e.g. https://quorum.example.com: check runs link to it.",
    )
    quorum_dast_targets: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Hosts that `security_scan` may test with requests, with commas."
    )
    quorum_dast_all_methods: bool = Field(
        False, description="true: those tests may use every method, not GET and HEAD alone."
    )
    quorum_code_scanning: bool = Field(
        False,
        description="true: findings go to GitHub's code scanning too; the App needs `security_events: write`.",
    )
    quorum_notify_url: str | None = Field(
        None, description="Where notifications go: https, or http on loopback; see docs/notifications.md."
    )
    quorum_notify_secret: SecretStr | None = Field(
        None, description="Secret of their signature, 24 to 64 bytes in base64."
    )
    quorum_paused: bool = Field(False, description="true: deliveries are kept, nothing runs.")

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

    @property
    def database_url(self) -> str:
        """The database's address, with the default in the data directory."""
        return self.quorum_database_url or f"sqlite:///{self.quorum_data_dir / 'quorum.db'}"

    def private_key(self) -> str | None:
        """The App's key from the variable or the file; raises `ConfigurationError` for an unreadable file."""
        if self.github_app_private_key:
            return self.github_app_private_key.get_secret_value()
        if not self.github_app_private_key_path:
            return None
        try:
            return self.github_app_private_key_path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(
                f"GITHUB_APP_PRIVATE_KEY_PATH cannot be read: {error.strerror}."
            ) from error


def load_settings(*, env_file: Path | None) -> Settings:
    """Settings from the environment and, for the operator's own commands, from `.env`.

    Raises:
        ConfigurationError: with the variables' names and what is wrong, never with a value.
    """
    try:
        return Settings(_env_file=env_file)  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        wrong = [
            f"{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}"
            for e in error.errors(include_input=False, include_context=False)
        ]
        raise ConfigurationError("; ".join(wrong)) from None
