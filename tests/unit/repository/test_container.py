import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
import typer.main
from fastapi import APIRouter

from app.cli import cli
from app.dashboard.access import DashboardAccess
from app.dashboard.api import Api
from app.settings import Settings
from tests.unit.repository.files import ROOT, read, read_yaml

INSTRUCTION = re.compile(r"^([A-Z]+)\s+(.*)$")
CLOUD_PREFIXES = ("POSTGRES_",)


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of the Dockerfile, with continued lines joined."""
    joined = read("Dockerfile").replace("\\\n", " ")
    return [(m[1], m[2].strip()) for line in joined.splitlines() if (m := INSTRUCTION.match(line))]


def arguments(name: str) -> list[str]:
    """The arguments of every instruction of that name."""
    return [argument for instruction, argument in instructions() if instruction == name]


def parse_program(words: list[str]) -> None:
    """Fail unless `quorum` has this command with these options."""
    group: Any = typer.main.get_command(cli)
    group.commands[words[0]].make_context(words[0], words[1:])


def routes() -> set[str]:
    """The paths that are served without a token."""
    api = Api(
        database=cast("Any", None),
        engine=cast("Any", None),
        registry=cast("Any", None),
        access=DashboardAccess(token="t"),
    )
    router: APIRouter = api.router()
    return {route.path for route in router.routes if not getattr(route, "dependencies", ())}  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return read_yaml("compose.yaml")


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    run = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")


def test_everything_that_is_copied_exists_and_is_not_ignored() -> None:
    sources = [word for copied in arguments("COPY") if "--from" not in copied for word in copied.split()[:-1]]
    assert sources
    assert all((ROOT / source).exists() for source in sources)
    allowed = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    assert {source.partition("/")[0] for source in sources} <= allowed


def test_what_the_program_reads_at_runtime_is_copied() -> None:
    copied = {word for line in arguments("COPY") if "--from" not in line for word in line.split()[:-1]}
    project = tomllib.loads(read("pyproject.toml"))
    found = project["tool"]["setuptools"]["packages"]["find"]["include"]
    packages = {name.rstrip("*") for name in found}
    assert packages | {"prompts", "app.yml", "pyproject.toml", "README.md", "LICENSE"} <= copied


def test_the_image_starts_the_program_with_existing_options() -> None:
    assert json.loads(arguments("ENTRYPOINT")[0]) == ["quorum"]
    parse_program(json.loads(arguments("CMD")[0]))


def test_the_health_check_requests_a_public_path_on_the_served_port() -> None:
    (check,) = arguments("HEALTHCHECK")
    command = json.loads(check.partition("CMD")[2])
    (address,) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", command[-1])
    served = json.loads(arguments("CMD")[0])
    assert address[0] == served[served.index("--port") + 1] == arguments("EXPOSE")[0]
    assert address[1] in routes()
    compile(command[-1], "healthcheck", "exec")


def test_the_image_runs_as_an_unprivileged_user_and_keeps_data_in_one_place() -> None:
    final = instructions()[max(i for i, each in enumerate(instructions()) if each[0] == "FROM") :]
    user = next(argument for name, argument in final if name == "USER")
    created = next(argument for name, argument in final if name == "RUN")
    assert user.isdigit()
    assert f"--uid {user}" in created
    environment = shlex.split(next(argument for name, argument in final if name == "ENV"))
    assert f"QUORUM_DATA_DIR={arguments('VOLUME')[0]}" in environment


def test_both_stages_use_the_same_python() -> None:
    assert len({argument.split()[0] for argument in arguments("FROM")}) == 1


def test_the_installed_lock_is_checked_by_hashes() -> None:
    installs = [part for run in arguments("RUN") for part in run.split("&&") if "pip install" in part]
    assert len(installs) == 2
    assert all("--require-hashes" in each or "--no-deps" in each for each in installs)


def test_services_start_the_program_with_existing_options(compose: dict[str, Any]) -> None:
    own = {name: each for name, each in compose["services"].items() if each.get("build")}
    assert {"quorum", "web", "worker-1", "worker-2"} == set(own)
    for service in own.values():
        if "command" in service:
            parse_program(service["command"])


def test_services_set_variables_that_exist(compose: dict[str, Any]) -> None:
    known = {name.upper() for name in Settings.model_fields}
    for service in compose["services"].values():
        own = {name for name in service.get("environment", {}) if not name.startswith(CLOUD_PREFIXES)}
        assert own <= known


def test_each_profile_is_documented_and_publishes_one_port(compose: dict[str, Any]) -> None:
    profiles = {name for each in compose["services"].values() for name in each["profiles"]}
    assert set(re.findall(r"--profile (\w+)", read("compose.yaml"))) == profiles
    for profile in profiles:
        ways = [
            each["ports"]
            for each in compose["services"].values()
            if profile in each["profiles"] and "ports" in each
        ]
        assert ways == [["127.0.0.1:8000:8000"]]


def own_services(compose: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in compose["services"].values() if each.get("build")]


def test_a_fresh_clone_starts_without_an_env_file(compose: dict[str, Any]) -> None:
    for service in own_services(compose):
        assert service["env_file"] == [{"path": ".env", "required": False}]


def test_the_key_that_setup_wrote_is_mounted_at_the_path_that_the_container_reads(
    compose: dict[str, Any],
) -> None:
    secret = compose["secrets"]["github-app-key"]["file"]
    assert secret == "${GITHUB_APP_PRIVATE_KEY_PATH:-/dev/null}"
    for service in own_services(compose):
        path = service["environment"]["GITHUB_APP_PRIVATE_KEY_PATH"]
        assert path == "${GITHUB_APP_PRIVATE_KEY_PATH:+/run/secrets/github-app-key}"
        assert service["secrets"] == ["github-app-key"]


@pytest.mark.parametrize(
    "command", re.findall(r"docker compose run --rm quorum ([^`\n|#]+)", read("docs/operations.md"))
)
def test_the_documented_compose_lines_run_existing_commands(command: str) -> None:
    parse_program(shlex.split(command))


def test_services_are_locked_down(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        if service.get("build"):
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
            assert service["security_opt"] == ["no-new-privileges:true"]


def test_every_volume_is_declared_and_no_two_processes_share_one(compose: dict[str, Any]) -> None:
    mounted = [
        volume.partition(":")[0] for each in compose["services"].values() for volume in each["volumes"]
    ]
    assert sorted(mounted) == sorted(compose["volumes"])


def test_workers_and_web_use_one_database(compose: dict[str, Any]) -> None:
    urls = {
        compose["services"][name]["environment"]["QUORUM_DATABASE_URL"]
        for name in ("web", "worker-1", "worker-2")
    }
    assert len(urls) == 1
    assert urls.pop().startswith("postgresql://")
