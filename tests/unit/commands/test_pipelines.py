"""Quorum in other pipelines: staged changes in a hook, and the action's script on a pull request."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from app.analyzers.runner import find_tool
from app.cli import cli

ROOT = Path(__file__).parents[3]
SINK = "import os\nfrom flask import request\n\n\ndef run():\n    os.system('ls ' + request.args['d'])\n"
GIT_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.com",
}


class Checkout:
    """A user's repository with one commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repository"
        self.folder.mkdir()
        state = {"XDG_STATE_HOME": str(folder / "state"), "HOME": str(folder)}
        self.environment = {"PATH": os.environ["PATH"], **GIT_ENVIRONMENT, **state}
        self.git("init", "-q", "-b", "main")
        self.write("README.md", "# Shop\n")
        self.git("add", ".")
        self.git("commit", "-q", "-m", "first")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def git(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        return self.run("git", *arguments, check=check)

    def run(
        self, *command: str, check: bool = True, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=check,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.slow
def test_the_hook_stops_a_commit_that_stages_a_flaw(checkout: Checkout) -> None:
    definition: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    hook = definition[0]
    hooks = checkout.folder / ".git" / "hooks"
    script = f"#!/bin/sh\nexec {ROOT / hook['entry']} {' '.join(hook['args'])}\n"
    (hooks / "pre-commit").write_text(script)
    (hooks / "pre-commit").chmod(0o755)
    checkout.write("run.py", SINK)
    checkout.git("add", "run.py")

    stopped = checkout.git("commit", "-q", "-m", "a flaw", check=False)

    assert stopped.returncode == 1
    assert "run.py" in stopped.stdout + stopped.stderr
    checkout.write(
        "run.py", "def run() -> None:\n    return None\n"
    )  # the index is committed, not the work tree
    assert checkout.git("commit", "-q", "-m", "a flaw", check=False).returncode == 1
    checkout.git("add", "run.py")
    assert checkout.git("commit", "-q", "-m", "fixed").returncode == 0


@pytest.mark.slow
def test_the_hook_of_a_partial_commit_sees_only_that_commit(checkout: Checkout) -> None:
    (checkout.folder / ".git" / "hooks" / "pre-commit").write_text(
        f"#!/bin/sh\nexec {ROOT / 'hooks/pre-commit'} --no-models --fail-on=high\n"
    )
    (checkout.folder / ".git" / "hooks" / "pre-commit").chmod(0o755)
    checkout.write("run.py", SINK)
    checkout.git("add", "run.py")
    checkout.write("README.md", "# The shop\n")
    assert checkout.git("commit", "-q", "-m", "words", "README.md").returncode == 0


def _steps() -> list[dict[str, Any]]:
    return yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]


def _step(name: str) -> dict[str, Any]:
    return next(step for step in _steps() if step.get("id") == name)


def _act(checkout: Checkout, tmp_path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return checkout.run(
        "bash",
        "-e",
        "-o",
        "pipefail",
        "-c",
        _step("review")["run"],
        check=False,
        GITHUB_ACTION_PATH=str(ROOT),
        GITHUB_WORKSPACE=str(checkout.folder),
        GITHUB_OUTPUT=str(tmp_path / "output"),
        RUNNER_TEMP=str(tmp_path),
        **environment,
    )


@pytest.mark.slow
def test_the_action_reports_the_findings_of_a_pull_request_as_sarif(
    checkout: Checkout, tmp_path: Path
) -> None:
    checkout.write("run.py", SINK)
    checkout.git("add", ".")
    checkout.git("commit", "-q", "-m", "a flaw")
    base, head = (checkout.git("rev-parse", name).stdout.strip() for name in ("HEAD^", "HEAD"))

    done = _act(checkout, tmp_path, BASE_SHA=base, HEAD_SHA=head, FAIL_ON="high", STAGES="review security")

    assert done.returncode == 0, done.stderr
    outputs = dict(line.split("=", 1) for line in (tmp_path / "output").read_text().splitlines())
    assert outputs["code"] == "1"
    sarif = json.loads(Path(outputs["sarif"]).read_text())
    places = [result["locations"][0]["physicalLocation"] for result in sarif["runs"][0]["results"]]
    assert {place["artifactLocation"]["uri"] for place in places} == {"run.py"}


def test_the_action_fails_outside_a_pull_request(checkout: Checkout, tmp_path: Path) -> None:
    done = _act(checkout, tmp_path, BASE_SHA="", HEAD_SHA="", FAIL_ON="never", STAGES="")
    assert done.returncode == 2
    assert "pull_request event" in done.stdout


def test_the_action_explains_how_to_fetch_missing_commits(checkout: Checkout, tmp_path: Path) -> None:
    head = checkout.git("rev-parse", "HEAD").stdout.strip()
    done = _act(checkout, tmp_path, BASE_SHA="1" * 40, HEAD_SHA=head, FAIL_ON="never", STAGES="")
    assert done.returncode == 2
    assert "fetch-depth: 0" in done.stdout


@pytest.mark.parametrize(("code", "message"), [("0", ""), ("1", ""), ("3", "A stage was not completed")])
def test_the_action_exits_like_the_review(code: str, message: str, checkout: Checkout) -> None:
    """The job fails only after the upload, because otherwise no finding would be shown."""
    steps = [step.get("id") or step["uses"].partition("@")[0] for step in _steps()]
    assert steps == ["install", "review", "github/codeql-action/upload-sarif", "verdict"]
    done = checkout.run("bash", "-e", "-c", _step("verdict")["run"], check=False, CODE=code)
    assert (done.returncode, message in done.stdout) == (int(code), True)


def test_the_action_installs_with_a_target_that_builds_the_program(checkout: Checkout) -> None:
    """A dry run of `make install`."""
    command = _step("install")["run"].replace("make ", "make --dry-run --always-make ")
    done = checkout.run("bash", "-e", "-c", command, GITHUB_ACTION_PATH=str(ROOT))
    assert "pip install --quiet --no-deps --no-build-isolation -e ." in done.stdout.replace(
        "--disable-pip-version-check ", ""
    )
    assert "--require-hashes -r requirements/runtime.txt" in done.stdout


def test_the_action_and_the_example_use_the_same_inputs() -> None:
    action: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text()))
    assert used == set(action["inputs"])
    page = (ROOT / "docs" / "cli.md").read_text()
    examples = [yaml.safe_load(each) for each in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    steps = [step for each in examples if "jobs" in each for step in each["jobs"]["quorum"]["steps"]]
    own = next(step for step in steps if "this repository" in step["uses"])
    assert set(own["with"]) <= set(action["inputs"])
    assert next(step for step in steps if "checkout" in step["uses"])["with"]["fetch-depth"] == 0
    hooks = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {
        hook["id"] for each in examples for repo in each.get("repos", []) for hook in repo["hooks"]
    } <= hooks


def test_zizmor_reports_nothing_about_the_action() -> None:
    zizmor = find_tool("zizmor")
    assert zizmor
    command = [str(zizmor), "--offline", "--no-config", "--format", "plain", str(ROOT / "action.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("arguments", [[], ["--staged", "main...HEAD"]])
def test_review_takes_either_a_target_or_staged(
    arguments: list[str], checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout.folder)
    assert CliRunner().invoke(cli, ["review", *arguments]).exit_code == 2
