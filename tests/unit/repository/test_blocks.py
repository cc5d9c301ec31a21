"""Every code block on the pages is run or parsed, or listed here with the reason why not."""

import ast
import configparser
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import typer.main
import yaml
from typer.testing import CliRunner

from app.cli import cli
from app.gather.configuration import parse_configuration
from app.servers import load_servers
from app.settings import Settings, load_settings
from tests.unit.repository.blocks import Block, load_blocks
from tests.unit.repository.files import ROOT, read_yaml
from webhooks.commands import parse_command

BIN = Path(sys.executable).parent
BLOCKS = load_blocks()
SHELL = [(block, command) for block in BLOCKS if block.language == "sh" for command in block.commands()]

_BUILDS = "builds the environment that this test runs in; CI begins with it"
_ON_THE_STAND_IN = "tests/browser/test_setup.py does this in a browser, with the real programs"
_CALLS_GITHUB = "sends requests to github.com; tests/scenarios/test_review_command.py uses the stand-in"
_EVALUATION = "takes minutes or keys; tests/unit/evals checks the same command's figures"
_CLUSTER = "needs a cluster; test_kubernetes.py validates the manifests and the command of a pod"
_OTHER_PROGRAM = "another program; its own documentation lists its options"
NOT_RUN = {
    "make demo": "tests/scenarios/test_demo.py runs the same command",
    "make test": "would run this test",
    "make install": _BUILDS,
    "git pull": "reads this repository's remote",
    "docker compose --profile sqlite up --build --detach": _OTHER_PROGRAM,
    ".venv/bin/quorum demo --github --port 4000": _ON_THE_STAND_IN,
    "export GITHUB_API_URL=http://127.0.0.1:4000/api/v3": _ON_THE_STAND_IN,
    "mkdir -p rehearsal && cd rehearsal": _ON_THE_STAND_IN,
    "../.venv/bin/quorum setup": _ON_THE_STAND_IN,
    "../.venv/bin/quorum serve --poll": _ON_THE_STAND_IN,
    ".venv/bin/quorum setup": _ON_THE_STAND_IN,
    ".venv/bin/quorum serve --poll": _ON_THE_STAND_IN,
    "quorum setup": _ON_THE_STAND_IN,
    "quorum setup --org octo --url https://quorum.example.com": _ON_THE_STAND_IN,
    ".venv/bin/quorum serve --host 0.0.0.0": "listens on every address; tests/browser/test_setup.py serves on loopback",
    ".venv/bin/quorum doctor": "needs a registered App; tests/unit/commands/test_doctor.py has one",
    "quorum review https://github.com/octo/shop/pull/7": _CALLS_GITHUB,
    "quorum review https://github.com/octo/shop/pull/7 --post": _CALLS_GITHUB,
    **dict.fromkeys(
        (
            "quorum fix main...HEAD",
            "quorum fix main...HEAD | git apply",
            "quorum fix main...HEAD --apply",
            "quorum fix https://github.com/octo/shop/pull/7 --severity high",
        ),
        "needs two vendors' keys; tests/scenarios/test_fix_command.py has them",
    ),
    "quorum eval": _EVALUATION,
    "quorum eval --provider claude --quorum 1": _EVALUATION,
    "quorum eval --record evals/recorded/NAME": _EVALUATION,
    "quorum eval --answers evals/recorded/NAME": _EVALUATION,
    "quorum eval --out figures.json": _EVALUATION,
    "quorum eval --fix --answers evals/recorded/NAME": _EVALUATION,
    "quorum eval --fix --record evals/recorded/NAME --by-hand DIR": _EVALUATION,
    "claude mcp add quorum -- /path/to/quorum/.venv/bin/quorum mcp": _OTHER_PROGRAM,
    'claude mcp add --transport http quorum https://quorum.example.com/mcp --header "Authorization: Bearer $QUORUM_MCP_TOKEN"': _OTHER_PROGRAM,
    "mcp-inspector --cli .venv/bin/quorum mcp --method tools/list": "tests/unit/mcp_server/test_inspector.py, where it is installed",
    "mcp-inspector --cli .venv/bin/quorum mcp --method tools/call --tool-name security_scan --tool-arg 'code=eval(input())' --tool-arg language=python": "tests/unit/mcp_server/test_inspector.py, where it is installed",
    ".venv/bin/python -m pip install -e '.[otel]'": "installs packages",
    "python scripts/advisories.py --osv advisory-database/advisories/github-reviewed --complete pip npm go rust --license CC-BY-4.0": "needs a clone of an advisory database; the script's tests use a small one",
    "kubectl create namespace quorum": _CLUSTER,
    "grep -v GITHUB_APP_PRIVATE_KEY_PATH .env >quorum.env": _CLUSTER,
    'echo "QUORUM_DATABASE_URL=$DATABASE_URL" >>quorum.env': _CLUSTER,
    "kubectl -n quorum create secret generic quorum --from-env-file=quorum.env": _CLUSTER,
    'kubectl -n quorum create secret generic quorum-app-key --from-file=app.pem="$KEY_FILE"': _CLUSTER,
    "kubectl apply -k deploy/kubernetes": _CLUSTER,
    "kubectl -n quorum exec deploy/web -- quorum doctor": _CLUSTER,
    "export OTEL_EXPORTER_OTLP_ENDPOINT=http://collector.internal:4318": "the address is the reader's",
}  # fmt: skip
NOT_READ = {
    ("ARCHITECTURE.md", ""): "a drawing",
    ("docs/notifications.md", ""): "an HTTP request as it looks on the wire",
}


def program_of(command: str) -> list[str]:
    """The words of the `quorum …` in a shell line, without pipes and redirections; empty if there is none."""
    words = shlex.split(re.split(r"[|>]", command.partition("quorum ")[2])[0] if "quorum " in command else "")
    starts = re.search(r"(?:^|\| ?)(?:\.venv/bin/)?quorum ", command)
    return words if starts else []


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's repository with a branch, a staged change, an unstaged change, and a patch."""
    folder = tmp_path_factory.mktemp("reader") / "my-project"
    folder.mkdir()

    def git(*words: str) -> str:
        identity = ("-c", "user.name=reader", "-c", "user.email=reader@example.com")
        return subprocess.run(
            ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
        ).stdout

    def commit(text: str) -> None:
        (folder / "pay.py").write_text(text)
        git("add", ".")
        git("commit", "--quiet", "-m", "A change")

    git("init", "--quiet", "--initial-branch=main")
    commit("def pay():\n    return 1\n")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("switch", "--quiet", "-c", "topic")
    commit("def pay(text):\n    return eval(text)\n")
    (folder / "change.patch").write_text(git("diff", "main...HEAD"))
    (folder / "why.md").write_text("Refunds fail at night.\n")
    (folder / "new.py").write_text("import os\n\n\ndef run(name):\n    os.system('ls ' + name)\n")
    git("add", "new.py")
    (folder / "pay.py").write_text("def pay(text):\n    return exec(text)\n")
    return folder


# Completion is written for the shell that started the program.
IN_A_SHELL = re.compile(r"[|>]|-completion\b")
RUN = sorted({command.replace(".venv/bin/", "") for _, command in SHELL if command not in NOT_RUN})


@pytest.mark.parametrize("command", [each for each in RUN if not IN_A_SHELL.search(each)])
def test_a_documented_command_runs(command: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process: to start the program takes longer than all that it does here."""
    monkeypatch.chdir(ROOT if "quorum eval" in command else project)
    monkeypatch.setenv("HOME", str(project.parent))
    assert program_of(command), command
    done = CliRunner().invoke(cli, program_of(command))
    assert done.exit_code == 0, done.output
    assert done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", [each for each in RUN if IN_A_SHELL.search(each)])
def test_a_documented_line_of_a_shell_runs(command: str, project: Path) -> None:
    assert program_of(command), command
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command}\nexit $?"],
        cwd=project,
        env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(project.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    allowed = {0, 1} if "--fail-on" in command else {0}
    assert done.returncode in allowed, done.stderr
    assert done.stdout or ">" in command


@pytest.mark.parametrize("command", sorted({command for _, command in SHELL if program_of(command)}))
def test_a_documented_command_has_existing_options(command: str) -> None:
    words = program_of(command)
    group: Any = typer.main.get_command(cli)
    if words[0].startswith("-"):
        assert words[0] in {name for option in group.params for name in option.opts}
    else:
        group.commands[words[0]].make_context(words[0], words[1:])


def test_every_excluded_block_is_on_a_page_and_has_a_reason() -> None:
    shown = {command for _, command in SHELL}
    assert set(NOT_RUN) <= shown
    assert all(NOT_RUN.values())
    assert {(block.page, block.language) for block in BLOCKS} >= set(NOT_READ)


def read_settings(text: str, folder: Path) -> None:
    """Read the block as `.env`, or as a systemd unit."""
    if text.startswith("["):
        unit = configparser.ConfigParser()
        unit.read_string(text)
        words = unit["Service"]["ExecStart"].partition("quorum ")[2].split()
        group: Any = typer.main.get_command(cli)
        group.commands[words[0]].make_context(words[0], words[1:])
        return
    (folder / "env").write_text(text)
    load_settings(env_file=folder / "env")
    named = re.findall(r"^((?:GITHUB|QUORUM)_\w+)=", text, re.MULTILINE)
    assert set(named) <= {name.upper() for name in Settings.model_fields}


def read_any_yaml(text: str, folder: Path) -> None:
    """Read the block by its keys: a workflow, a hook, or a repository's configuration."""
    value = cast("dict[Any, Any]", yaml.safe_load(text))
    if "servers" in value:
        (folder / "groq.key").write_text("key")
        (folder / "servers.yml").write_text(text)
        assert load_servers(
            folder / "servers.yml", dict.fromkeys(("OPENROUTER_API_KEY", "GATEWAY_KEY"), "key")
        )
    elif "jobs" in value:
        (step,) = [each for each in value["jobs"]["quorum"]["steps"] if "actions/" not in each["uses"]]
        assert set(step["with"]) <= set(read_yaml("action.yml")["inputs"])
    elif "repos" in value:
        hooks = {hook["id"] for hook in read_yaml(".pre-commit-hooks.yaml")}
        assert {hook["id"] for repo in value["repos"] for hook in repo["hooks"]} <= hooks
    elif not {"scrape_configs", "apiVersion", "services"} & set(value):
        parsed = parse_configuration(text.encode())
        assert not parsed.problems
        assert "repository" in parsed.origins.values()


def read_json(text: str, folder: Path) -> None:
    """Read the configuration of an MCP client: our program, or the address of our endpoint."""
    del folder
    value: dict[str, dict[str, dict[str, Any]]] = json.loads(text)
    for server in (value.get("mcpServers") or value["servers"]).values():
        if "url" in server:
            assert server["url"].endswith("/mcp")
        else:
            assert (Path(server["command"]).name, server["args"]) == ("quorum", ["mcp"])


def read_commands(text: str, folder: Path) -> None:
    """Read commands on a pull request."""
    del folder
    parsed = [parse_command(line) for line in text.splitlines()]
    assert parsed
    assert all(command and command.problem is None for command in parsed)


def read_prompt(text: str, folder: Path) -> None:
    """Read a prompt's front matter."""
    del folder
    front = yaml.safe_load(text.split("---")[1])
    assert {"id", "version", "stage", "inputs", "output"} == set(front)


READERS: dict[str, Callable[[str, Path], object]] = {
    "ini": read_settings,
    "yaml": read_any_yaml,
    "json": read_json,
    "text": read_commands,
    "markdown": read_prompt,
    "python": lambda text, folder: ast.parse(text),
}


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.language != "sh"], ids=str)
def test_each_block_is_valid_in_its_language(block: Block, tmp_path: Path) -> None:
    if (block.page, block.language) not in NOT_READ:
        READERS[block.language](block.text, tmp_path)
