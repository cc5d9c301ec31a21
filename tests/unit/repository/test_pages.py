import json
import re

import pytest

from app.domain.finding import Stage
from app.engine.worker import MAX_RESTARTS
from app.gather.configuration import ConfigurationFile, configuration_schema, parse_configuration
from app.main import provider_access
from app.settings import Settings
from tests.unit.repository.files import ROOT, read, read_yaml, tracked
from webhooks.commands import USAGE, parse_command

PAGES = [path for path in tracked() if path.endswith(".md") and not path.startswith(("tests/", "prompts/"))]
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")
_PLACEHOLDER = re.compile(r"<[a-z][\w -]*>|\bYOUR[\w-]*|\b[A-Z]+_ID\b|\bOWNER/REPO\b|…")
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("path", PAGES)
def test_links_between_pages_have_targets(path: str) -> None:
    targets = [target for target, _ in _LINK.findall(read(path)) if "://" not in target]
    missing = [target for target in targets if not (ROOT / path).parent.joinpath(target).exists()]
    assert not missing


def test_every_page_of_the_documentation_is_listed() -> None:
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", read("docs/README.md")))
    assert listed == {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}


def test_every_decision_is_listed_in_its_order() -> None:
    pages = sorted(path.name for path in (ROOT / "docs/decisions").glob("[0-9]*.md"))
    listed = re.findall(r"^(\d+)\. \[.*\]\((.*)\)$", read("docs/decisions/README.md"), re.MULTILINE)
    assert listed == [(str(int(name[:4])), name) for name in pages]


@pytest.mark.parametrize("path", PAGES)
def test_commands_have_no_placeholders(path: str) -> None:
    blocks = [text for kind, text in _FENCED.findall(read(path)) if kind in ("sh", "bash", "console")]
    assert not [found for text in blocks for found in _PLACEHOLDER.findall(text)]


@pytest.mark.parametrize("name", USAGE)
def test_every_command_is_explained(name: str) -> None:
    assert f"`{USAGE[name]}`" in read("docs/commands.md").replace("\\|", "|")


def test_examples_of_commands_are_valid() -> None:
    examples = [line for _, block in _FENCED.findall(read("docs/commands.md")) for line in block.splitlines()]
    commands = [parse_command(line) for line in examples if line.startswith("/")]
    assert commands
    assert all(command and command.problem is None and command.name in USAGE for command in commands)


def test_examples_of_configurations_are_valid_and_change_something() -> None:
    examples = [text for kind, text in _FENCED.findall(read("docs/configuration.md")) if kind == "yaml"]
    assert examples
    for example in examples:
        parsed = parse_configuration(example.encode())
        assert not parsed.problems
        assert "repository" in parsed.origins.values()


def test_examples_of_settings_name_variables_that_exist() -> None:
    clouds = {"AWS_BEARER_TOKEN_BEDROCK", "AWS_REGION", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_API_KEY"}
    clouds |= {
        "OPENAI_API_VERSION",
        "GOOGLE_GENAI_USE_VERTEXAI",
        "GOOGLE_CLOUD_PROJECT",
        "GOOGLE_CLOUD_LOCATION",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "HTTPS_PROXY",
        "SSL_CERT_FILE",
    }
    known = (
        {name.upper() for name in Settings.model_fields} | clouds | {"GOOGLE_API_KEY", "POSTGRES_PASSWORD"}
    )
    for path in PAGES:
        blocks = "".join(text for kind, text in _FENCED.findall(read(path)) if kind in ("sh", "ini"))
        named = set(re.findall(r"^(?:export )?([A-Z][A-Z0-9_]+)=", blocks, re.MULTILINE))
        assert named <= known, path


@pytest.mark.parametrize(
    ("provider", "variables"),
    [
        ("claude", {"AWS_BEARER_TOKEN_BEDROCK": "x"}),
        ("gpt", {"AZURE_OPENAI_ENDPOINT": "https://example.openai.azure.com"}),
        ("gemini", {"GOOGLE_GENAI_USE_VERTEXAI": "true"}),
    ],
)
def test_the_documented_variables_select_the_clouds(provider: str, variables: dict[str, str]) -> None:
    page = read("docs/providers.md")
    access = provider_access(Settings.model_validate({}), variables)
    assert [each for each, how in access.items() if how.cloud] == [provider]
    assert all(f"`{name}`" in page for name in variables)


def test_the_installation_page_explains_every_event_and_permission() -> None:
    page, manifest = read("docs/install.md"), read_yaml("app.yml")
    assert all(f"`{event}`" in page for event in manifest["default_events"])
    assert all(f"`{name}: {level}`" in page for name, level in manifest["default_permissions"].items())


def test_the_troubleshooting_page_says_how_often_a_job_may_crash() -> None:
    assert f"crashed {MAX_RESTARTS} times" in read("docs/troubleshooting.md")


def test_the_published_schema_matches_the_code() -> None:
    assert json.loads(read("docs/quorum.schema.json")) == configuration_schema()


def test_the_readme_names_every_stage_and_the_page_every_key() -> None:
    assert all(stage.value in read("README.md") for stage in Stage)
    assert set(ConfigurationFile.model_fields) <= set(re.findall(r"`(\w+)`", read("docs/configuration.md")))
