"""The command line: names, options, imports, and errors as sentences. Other tests cover what the commands do."""

import socket
import subprocess
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.exceptions import TyperException
from typer.testing import CliRunner

from app.cli import cli
from app.clock import utc_now
from app.commands.usage import explain_usage
from app.domain.job import CheckSuiteJob
from app.errors import ConfigurationError
from app.store.database import Database
from app.store.job_tables import DeliveryRow
from app.store.processes import renew_lease

SDKS = (
    "anthropic",
    "openai",
    "google.genai",
    "githubkit",
    "mcp",
    "dbos",
    "fastapi",
    "sqlmodel",
    "rich.progress",
)
JOB = CheckSuiteJob(
    installation_id=1,
    repository="octo/shop",
    check_suite_id=1,
    head_sha="0" * 40,
    pull_requests=(),
    guid="one",
)
PROGRAM = "from app.cli import main; main()"


def run(
    *arguments: str, cwd: Path, code: str = PROGRAM, **environment: str
) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), "PYTHONPATH": root, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_loads_no_sdk(tmp_path: Path) -> None:
    code = "import sys, app.cli; print('\\n'.join(sys.modules))"
    loaded = set(run(cwd=tmp_path, code=code).stdout.split())
    assert "app.cli" in loaded
    assert not loaded & set(SDKS)


@pytest.mark.slow
def test_serving_loads_no_terminal_libraries(tmp_path: Path) -> None:
    code = "import sys, app.commands.serve; print('\\n'.join(sys.modules))"
    loaded = set(run(cwd=tmp_path, code=code).stdout.split())
    assert "httpx" in loaded
    assert not loaded & {"rich", "pygments"}


@pytest.mark.parametrize(
    "command", ["demo", "review", "fix", "serve", "setup", "doctor", "stats", "mcp", "replay"]
)
def test_every_documented_command_has_help(command: str) -> None:
    shown = CliRunner().invoke(cli, [command, "--help"])
    assert shown.exit_code == 0
    assert "Examples:" in shown.stdout
    assert f"$ quorum {command}" in shown.stdout


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("demo", ["--once", "--port"]),
        ("review", ["--repo", "--format", "--stage", "--fail-on", "--config", "--post"]),
        ("serve", ["--host", "--port", "--role", "--poll"]),
        ("stats", ["--since", "--format"]),
    ],
)
def test_the_documented_options_exist(command: str, options: list[str]) -> None:
    shown = CliRunner().invoke(cli, [command, "--help"], env={"COLUMNS": "200"}).stdout
    assert [option for option in options if option not in shown] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["review", "main", "--staged"],
        ["review", ""],
        ["review", "x", "--stage", "style"],
        ["stats", "--format", "xml"],
        ["serve", "--port", "-1"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(cli, arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["reviw"], "There is no command reviw. Did you mean review?\nTry `quorum --help`."),
        (["stats", "--fromat", "json"], "There is no option --fromat. Did you mean --format?\nTry `quorum stats --help`."),
        (["stats", "--format", "xml"], "--format cannot be xml. Use one of text, json.\nTry `quorum stats --help`."),
        (["serve", "--port", "-1"], "--port must be 0 or more.\nTry `quorum serve --help`."),
        (["serve", "--port", "x"], "--port must be a whole number.\nTry `quorum serve --help`."),
        (["replay"], "DELIVERY_ID is missing.\nTry `quorum replay --help`."),
        (["mcp", "now"], "This command takes fewer arguments: remove now.\nTry `quorum mcp --help`."),
        (["demo", "--once=3"], "--once takes no value.\nTry `quorum --help`."),
        (["review", "main", "--staged"], "Pass either a TARGET or --staged.\nTry `quorum review --help`."),
    ],
)  # fmt: skip
def test_wrong_usage_is_a_sentence(arguments: list[str], says: str) -> None:
    with pytest.raises(TyperException) as raised:
        cli(arguments, standalone_mode=False, prog_name="quorum")
    assert explain_usage(raised.value) == f"quorum: {says}\n"


def test_an_invalid_setting_is_named_without_its_value(tmp_path: Path) -> None:
    done = run("stats", cwd=tmp_path, QUORUM_CALL_TIMEOUT_S="a-secret-by-mistake")
    assert done.returncode == 2
    assert done.stderr.startswith("quorum: QUORUM_CALL_TIMEOUT_S:")
    assert "a-secret-by-mistake" not in done.stderr + done.stdout


def test_an_internal_error_is_a_sentence_and_not_a_traceback(tmp_path: Path) -> None:
    code = "import sys; sys.modules['app.commands.stats'] = None; sys.argv[1:] = ['stats']; " + PROGRAM
    done = run(cwd=tmp_path, code=code)
    assert done.returncode == 70
    assert "QUORUM_DEBUG=1" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Traceback" in run(cwd=tmp_path, code=code, QUORUM_DEBUG="1").stderr


@pytest.mark.slow
def test_an_unreachable_vendor_leaves_no_log_lines_on_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "a.patch").write_text(
        "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a = 1\n+a = 2\n"
    )
    away = {"ANTHROPIC_API_KEY": "sk-ant-none", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    done = run("review", "a.patch", cwd=tmp_path, QUORUM_STAGE_DEADLINE_S="3", **away)
    assert done.returncode == 3
    # A slow machine reaches the deadline of the stage before the last attempt: another sentence.
    first_line, *_ = done.stderr.splitlines()
    assert first_line.startswith("quorum: review was not completed: claude: ")
    assert "Anthropic" in first_line
    assert "model call" not in done.stderr


def test_serving_without_an_app_explains_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="run `quorum setup`"):
        CliRunner().invoke(cli, ["serve"], catch_exceptions=False)


def test_a_port_in_use_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"^Port {port} is in use"):
            CliRunner().invoke(cli, ["serve", "--port", str(port)], catch_exceptions=False)
    assert not list(tmp_path.iterdir())


def test_replaying_says_who_will_run_the_delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    missing = CliRunner().invoke(cli, ["replay", "no-such-delivery"])
    assert missing.exit_code == 2
    assert missing.stderr.startswith("quorum: there is no database yet at")
    assert not list(tmp_path.iterdir())
    database = Database("sqlite:///.quorum/quorum.db")
    unknown = CliRunner().invoke(cli, ["replay", "no-such-delivery"])
    assert (unknown.exit_code, unknown.stderr) == (
        2,
        "quorum: there is no delivery no-such-delivery in this database.\n",
    )
    now = utc_now()
    with database.write() as session:
        session.add(
            DeliveryRow(
                guid="one",
                event="check_suite",
                received_at=now,
                state="failed",
                job_key="octo/shop",
                request=asdict(JOB),
            )
        )
    replayed = CliRunner().invoke(cli, ["replay", "one"])
    assert replayed.stdout == (
        "Delivery one is queued again. No worker is running on this database: start `quorum serve`.\n"
    )
    renew_lease(database, "worker", role="all", now=now, ttl=timedelta(minutes=5))
    assert "A worker is running" in CliRunner().invoke(cli, ["replay", "one"]).stdout
    database.close()


@pytest.mark.parametrize("command", ["doctor", "stats"])
def test_looking_at_the_setup_changes_nothing(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    CliRunner().invoke(cli, [command])
    assert not list((tmp_path / "work").iterdir())
    assert not (tmp_path / "home").exists()
    Database("sqlite:///.quorum/quorum.db").close()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    shown = CliRunner().invoke(cli, [command])
    assert "quorum.db" in shown.stdout or "its tables are up to date" in shown.stdout
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_statistics_of_the_app_and_of_quorum_review_are_both_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    for folder in (".quorum", "state/quorum"):
        Database(f"sqlite:///{folder}/quorum.db").close()
    shown = CliRunner().invoke(cli, ["stats"]).stdout
    assert "The App: .quorum/quorum.db\n" in shown
    assert f"`quorum review`: {tmp_path}/state/quorum/quorum.db\n" in shown


def test_a_database_of_an_earlier_release_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUORUM_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    database = Database(f"sqlite:///{tmp_path}/quorum.db")
    with database.write() as session:
        session.connection().execute(text("UPDATE schema_version SET version_num = '0001'"))
    database.close()
    shown = CliRunner().invoke(cli, ["stats"])
    assert "The tables are of an earlier release." in shown.stderr
    assert "warning  database" in CliRunner().invoke(cli, ["doctor"]).stdout
