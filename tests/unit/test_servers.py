"""Named servers: what the operator's file may say, and that one vendor's model never confirms itself under two names."""

from pathlib import Path

import pytest

from app.domain.configuration import RepositoryConfig
from app.domain.model_call import Provider, Usage, vendor_of, vendors_of
from app.errors import ConfigurationError
from app.gather.configuration import parse_configuration
from app.main import provider_access
from app.servers import NamedServer, family_of, load_servers
from app.settings import Settings

ENTRY = "- {name: groq, vendor: mistral, base_url: 'https://api.groq.com/openai/v1', model: mistral-large"
KEYS = {"GROQ_API_KEY": "gsk-secret"}


def load(folder: Path, text: str, **environ: str) -> tuple[NamedServer, ...]:
    (folder / "servers.yml").write_text(text, "utf-8")
    return load_servers(folder / "servers.yml", {**KEYS, **environ})


def problem(folder: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        load(folder, text)
    assert "secret" not in str(raised.value)
    return str(raised.value)


def test_an_entry_becomes_a_provider_with_its_vendor_key_and_prices(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-from-file\n", "utf-8")
    (server,) = load(tmp_path, f"servers:\n{ENTRY}, api_key_file: key, prices: {{input: 1, output: 2}}}}")
    settings = Settings.model_validate({"quorum_servers_file": tmp_path / "servers.yml"})
    access = provider_access(settings, {})[server.provider]
    assert server.provider == "mistral@groq"
    assert (access.models.large, access.models.small, access.api_key) == (
        "mistral-large",
        "mistral-large",
        "sk-from-file",
    )
    assert access.server is not None
    assert access.server.price is not None
    assert access.server.price.cost_usd(Usage(input_tokens=1_000_000, output_tokens=1_000_000)) == 3.0


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (f"{ENTRY}, modle: x}}", "groq: there is no key `modle` (did you mean `model`?)."),
        (f"{ENTRY}, api_key_env: MISSING}}", "groq: the variable MISSING (`api_key_env`) is not set."),
        (f"{ENTRY}, api_key_file: nowhere}}", "`api_key_file` cannot be read: No such file or directory."),
        (f"{ENTRY}, context_tokens: 100}}", "groq: `context_tokens`: input should be greater than"),
        (f"{ENTRY}}}\n{ENTRY}}}", "groq: 2 entries have this name."),
        (ENTRY.replace("mistral-large", "anthropic/claude-opus-5-5") + "}", "is a model of the vendor `claude`, not"),
        (ENTRY.replace("groq", "claude", 1) + "}", "`claude` is not a name for a server."),
        (ENTRY.replace("vendor: mistral, ", "") + "}", "groq: `vendor`: field required."),
        (ENTRY.replace("https://", "https://user:secret@") + "}", "groq: `base_url`: string should match"),
        (f"{ENTRY}}}\n{ENTRY.replace('groq', 'two', 1).replace('vendor: mistral', 'vendor: qwen')}}}", "made `mistral-large`."),
        ("- just text", "entry 1: it is not a mapping of keys to values."),
        (f"{ENTRY}, name: again}}", "cannot be used because"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_file_is_a_sentence_that_names_the_entry(
    entry: str, said: str, tmp_path: Path
) -> None:
    assert said in problem(tmp_path, f"servers:\n{entry}\n")


def test_a_file_inside_a_checkout_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`quorum review` runs in checkouts; a relative path would let them choose the server."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "servers.yml").write_text(f"servers:\n{ENTRY}}}\n", "utf-8")
    with pytest.raises(ConfigurationError, match="must be an absolute path"):
        load_servers(Path("servers.yml"), KEYS)


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("anthropic/claude-sonnet-5-5", "claude"),
        ("eu.anthropic.claude-opus-4-7-v1:0", "claude"),
        ("openai/gpt-6-luna", "gpt"),
        ("o3", "gpt"),
        ("google/gemini-3.8-flash", "gemini"),
        ("qwen3-coder", None),
        ("deepseek/deepseek-v4", None),
    ],
)
def test_a_known_model_tells_its_vendor(model: str, family: str | None) -> None:
    assert family_of(model) == family


def test_two_names_of_one_vendor_are_one_vendor() -> None:
    assert vendors_of(["claude@openrouter:anthropic/claude", "claude:opus", "analyzers:ruff"]) == (
        Provider.CLAUDE,
    )
    assert vendor_of("mistral@groq:m") == vendor_of("mistral@own:n") != vendor_of("deepseek@groq:m")


@pytest.mark.parametrize(
    ("providers", "permitted"),
    [
        (RepositoryConfig().providers, {"claude", "claude@openrouter", "local", "qwen@local"}),
        (("claude",), {"claude"}),
        (("openrouter",), {"claude@openrouter"}),
        (("local",), {"local", "qwen@local"}),
        (("claude", "servers"), {"claude", "claude@openrouter"}),
        (("analyzers",), set[str]()),
    ],
)
def test_a_repository_permits_each_way_to_a_model_by_its_name(
    providers: tuple[str, ...], permitted: set[str]
) -> None:
    """Who permits Claude has not permitted that a gateway sees the code."""
    config = RepositoryConfig(providers=providers)
    every = map(Provider, ("claude", "claude@openrouter", "local", "qwen@local"))
    assert set(filter(config.permits, every)) == permitted


def test_a_provider_that_nobody_configured_is_a_named_problem() -> None:
    read = parse_configuration(
        b"providers: [cluade, gpt, groq]\n", configured=[Provider("mistral@groq"), Provider.CLAUDE]
    )
    assert [each.message for each in read.problems] == [
        "There is no provider `cluade`. It is ignored. Did you mean `claude`?"
    ]
