"""`quorum review` as users run it: a range, a patch, standard input, a URL; four formats; exit codes."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.commands.review import ReviewOptions, review
from app.domain.finding import Severity, Stage
from app.main import Network
from github_sandbox import GitHubSandbox
from github_sandbox.git import GitRepository
from tests.contracts.guard import OpenApiGuard
from tests.fakes.vendors import BASE_URLS, KEYS
from tests.scenarios.vendors import Vendors, finding
from tests.scenarios.world import ALL, ShortClock

ROOT = Path(__file__).parents[2]
QUERY = '    return db.execute("SELECT * FROM payments WHERE owner = \'" + owner + "\'")'
PAY = f"def payments(db, owner):\n{QUERY}\n"
DIVISION = finding("pay.py", QUERY.strip(), line=2, title="The owner's name is part of the query")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    return tmp_path / "home"


@pytest.fixture
def checkout(tmp_path: Path, home: Path) -> Path:
    """A repository with `main` and `change`."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    commit(folder, {"cart.py": "a = 1\n"}, branch="main")
    commit(folder, {"pay.py": PAY}, branch="change")
    return folder


def git(folder: Path, *arguments: str) -> bytes:
    identity = (
        "-c",
        "user.name=Alice",
        "-c",
        "user.email=alice@example.com",
        "-c",
        "init.defaultBranch=main",
    )
    return subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True).stdout


def commit(folder: Path, files: dict[str, str], *, branch: str) -> None:
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    if branch != "main":
        git(folder, "checkout", "--quiet", "-B", branch)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Change")


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Vendors:
    """Three vendors with keys in the environment."""
    for provider, key, url in (
        ("claude", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
        ("gpt", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
        ("gemini", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
    ):
        chosen = next(each for each in ALL if each == provider)
        monkeypatch.setenv(key, KEYS[chosen])
        monkeypatch.setenv(url, BASE_URLS[chosen])
    return Vendors()


def asking(vendors: Vendors) -> Network:
    return Network(models=vendors.fake.http_client(), clock=ShortClock())


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(checkout: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """(exit code, report, progress) of `quorum review` in the checkout."""

    def run_(
        target: str | None = "main...change", *, network: Network | None = None, **options: Any
    ) -> tuple[int, str, str]:
        code = review(ReviewOptions(target=target, repo=checkout, **options), network=network)
        out, err = capsys.readouterr()
        return code, out, err

    return run_


def test_a_range_is_reviewed_by_all_three_vendors(run: Run, vendors: Vendors) -> None:
    vendors.claude.finds(DIVISION)
    code, out, err = run(network=asking(vendors), report_format="json")
    report = json.loads(out)
    assert code == 0
    assert [stage["provider"] for stage in report["stages"]] == ["claude", "gpt", "gemini"]
    [found] = [each for each in report["findings"] if each["title"] == DIVISION["title"]]
    assert (found["path"], found["start_line"], found["placement"]) == ("pay.py", 2, "inline")
    assert report["usage"]["calls"] == len(vendors.requests) == 4
    assert err == "main...change: 1 file, +2 −0\n"  # progress needs a terminal


def test_without_a_key_the_analyzers_review_and_the_report_says_so(run: Run) -> None:
    code, out, _ = run()
    assert code == 0
    assert "pay.py" in out
    assert "SQL query built from untrusted input" in out


@pytest.mark.parametrize("report_format", ["text", "markdown"])
def test_that_no_model_was_used_is_reported_once(run: Run, report_format: str) -> None:
    _, out, _ = run(report_format=report_format)
    assert out.count("Not reviewed by a model") == 1


def test_documentation_without_a_key_lists_changes_and_claims_no_search_for_problems(run: Run) -> None:
    code, out, err = run(stages=(Stage.DOCS,), named_stages=(Stage.DOCS,))
    assert (code, "was not" in err) == (0, False)
    assert "Not checked for problems: review and security did not run." in " ".join(out.split())
    assert "Documentation: " in out


def test_a_finding_shows_its_code_with_the_line_marked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    _, out, _ = run()
    assert f"      1 | def payments(db, owner):\n    > 2 | {QUERY}\n" in out
    assert "\x1b" not in out
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "60")
    out = run()[1]
    assert "\x1b[" in out
    finding = re.sub(r"\x1b\[[\d;]*m", "", out).partition("1 high finding")[0]
    assert max(map(len, finding.splitlines())) <= 60
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run()[1]


def test_a_branch_means_its_merge_base_and_no_target_means_the_current_branch(
    run: Run, checkout: Path, tmp_path: Path
) -> None:
    for target in (None, "main"):
        assert run(target, stages=(Stage.DOCS,))[1].startswith("main...HEAD: 1 file, +2 −0\n")
    git(checkout, "tag", "v1")
    assert run("v1", stages=(Stage.DOCS,))[1].startswith("v1: 1 file, +2 −0\n")  # the commit's own change
    git(checkout, "checkout", "--quiet", "-b", "on-top")
    git(checkout, "branch", "--quiet", "--set-upstream-to", "change")
    commit(checkout, {"cart.py": "a = 2\n"}, branch="on-top")
    git(checkout, "branch", "--quiet", "--set-upstream-to", "change")
    assert run(None, stages=(Stage.DOCS,))[1].startswith("change...HEAD: 1 file, +1 −1\n")
    git(checkout, "branch", "--quiet", "--force", "change", "on-top")
    assert run(None, stages=(Stage.DOCS,))[1].startswith("main...HEAD: 2 files, +3 −1\n")


def test_without_a_current_branch_or_a_base_one_sentence_says_what_to_name(run: Run, checkout: Path) -> None:
    git(checkout, "checkout", "--quiet", "main")
    for says in ("main has no upstream, and there is no other default branch", "HEAD is detached"):
        code, out, err = run(None)
        assert (code, out) == (2, "")
        assert err.startswith(f"quorum: {says}")
        assert len(err.strip().splitlines()) == 1
        git(checkout, "checkout", "--quiet", "--detach")


def test_title_and_description_reach_the_models(run: Run, vendors: Vendors, tmp_path: Path) -> None:
    (tmp_path / "why.md").write_text("Owners asked for a list.")
    run(
        network=asking(vendors),
        title="List the payments of an owner",
        description=tmp_path / "why.md",
        stages=(Stage.REVIEW,),
    )
    [asked] = vendors.claude.requests_for("review")
    assert "List the payments of an owner" in str(asked)
    assert "Owners asked for a list." in str(asked)
    code, _, err = run(description=tmp_path / "nowhere.md")
    assert (code, err) == (
        2,
        f"quorum: {tmp_path / 'nowhere.md'} cannot be read: No such file or directory.\n",
    )


@pytest.mark.slow
def test_a_patch_file_and_standard_input_are_reviewed(
    run: Run, checkout: Path, tmp_path: Path, home: Path
) -> None:
    patch = git(checkout, "diff", "main", "change")
    (tmp_path / "change.patch").write_bytes(patch)
    _, from_file, _ = run(str(tmp_path / "change.patch"), report_format="json")
    from_stdin = quorum(tmp_path, "review", "-", "--format", "json", stdin=patch).stdout
    reports = [json.loads(text) for text in (from_file, from_stdin)]
    assert reports[0]["coverage"] == {"files": 1, "reviewed": 1, "omitted": [], "partly": []}
    assert reports[0]["coverage"] == reports[1]["coverage"]
    assert reports[0]["findings"] == reports[1]["findings"]


@pytest.mark.parametrize(
    ("report_format", "begins"),
    [
        ("text", "main...change: 1 file, +2 −0\nNot reviewed by a model"),
        ("json", "{"),
        ("markdown", "###"),
        ("sarif", "{"),
    ],
)
def test_the_report_comes_in_four_formats_and_alone_on_stdout(
    run: Run, report_format: str, begins: str
) -> None:
    code, out, _ = run(report_format=report_format)
    assert code == 0
    assert out.startswith(begins), out[:200]
    if begins == "{":
        assert json.loads(out)["version"] in (1, "2.1.0")


@pytest.mark.parametrize(
    ("fail_on", "code"), [(None, 0), (Severity.CRITICAL, 0), (Severity.HIGH, 1), (Severity.LOW, 1)]
)
def test_a_finding_at_or_above_fail_on_exits_with_1(run: Run, fail_on: Severity | None, code: int) -> None:
    assert run(fail_on=fail_on)[0] == code


def test_an_incomplete_stage_exits_with_3_and_the_rest_is_printed(run: Run, vendors: Vendors) -> None:
    for vendor in vendors:
        vendor.is_down()
    code, out, err = run(network=asking(vendors), fail_on=Severity.LOW)
    assert code == 3
    assert "SQL query built from untrusted input" in out
    for stage in Stage:
        assert f"{stage} was not completed" in err


def test_only_the_requested_stages_run(run: Run, vendors: Vendors) -> None:
    code, out, _ = run(network=asking(vendors), stages=(Stage.SECURITY,), report_format="json")
    assert code == 0
    assert [stage["status"] for stage in json.loads(out)["stages"]] == ["skipped", "completed", "skipped"]
    assert not vendors.claude.requests_for("review")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        pytest.param(
            "main...nowhere", "'nowhere' is not a commit in this repository", id="a range that does not exist"
        ),
        pytest.param("...", "names no commit", id="a range of two empty variables"),
        pytest.param(
            "https://github.com/octo/shop/issues/1",
            "is not a pull request URL",
            id="a URL of no pull request",
        ),
        pytest.param("https://gitlab.com/octo/shop/pull/1", "is not the GitHub", id="another host"),
        pytest.param("https://github.com/octo/shop/pull/1", "Set GITHUB_TOKEN", id="no token"),
    ],
)
def test_an_unreadable_source_exits_with_2_and_one_sentence(run: Run, target: str, says: str) -> None:
    code, out, err = run(target)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.strip().splitlines()) == 1


def test_an_invalid_patch_exits_with_2_and_one_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "letter.patch").write_text("Dear reviewer,\nplease look at my change.\n")
    code, out, err = run(str(tmp_path / "letter.patch"))
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1


def test_posting_requires_a_url(run: Run) -> None:
    code, _, err = run(post=True)
    assert (code, err) == (2, "quorum: --post requires the URL of a pull request.\n")


class Hub:
    """A GitHub with one pull request, reached through the guard."""

    def __init__(self, folder: Path) -> None:
        self.guard = OpenApiGuard()
        self.github = GitHubSandbox(folder / "github")
        self.repository = self.github.create_repository("octo/shop", {"cart.py": "a = 1\n"}, private=True)
        self.repository.set_role("alice", "write")
        self.pull = self.repository.open_pull({"pay.py": PAY})

    def network(self, vendors: Vendors | None = None) -> Network:
        models = vendors.fake.http_client() if vendors else None
        return Network(github=self.guard.wrap(self.github.transport()), models=models)


@pytest.fixture
def hub(tmp_path: Path, home: Path) -> Hub:
    return Hub(tmp_path)


URL = "https://github.com/octo/shop/pull/1"


def test_a_pull_requests_url_is_reviewed_and_nothing_is_written(
    run: Run, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", hub.github.tokens.create_user_token("alice"))
    code, out, _ = run(URL, network=hub.network(), report_format="json")
    assert code == 0
    assert json.loads(out)["findings"][0]["path"] == "pay.py"
    assert not hub.github.unread()
    assert {request.method for request in hub.github.requests if request.operation is None} == {"GET"}


def test_post_writes_one_review_and_one_summary_and_no_check_run(
    run: Run, hub: Hub, vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendors.claude.finds(DIVISION)
    monkeypatch.setenv("GITHUB_TOKEN", hub.github.tokens.create_user_token("alice"))
    code, _, _ = run(URL, network=hub.network(vendors), post=True)
    assert code == 0
    assert len(hub.pull.reviews) == 1
    assert len(hub.pull.issue_comments) == 1
    assert not hub.repository.check_runs


@pytest.mark.parametrize("token", ["a-wrong-token", "a stranger's"])
def test_a_token_without_permissions_exits_with_2_and_one_sentence(
    run: Run, hub: Hub, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = hub.github.tokens.create_user_token("mallory") if token == "a stranger's" else token
    monkeypatch.setenv("GITHUB_TOKEN", given)
    code, out, err = run(URL, network=hub.network())
    assert (code, out) == (2, "")
    assert err.startswith("quorum: ")
    assert len(err.strip().splitlines()) == 1


def quorum(folder: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Run the program as a process with only the home directory and the path in its environment."""
    own = {name: os.environ[name] for name in ("HOME", "PATH")}
    command = [sys.executable, "-c", "from app.cli import main; main()", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env={**own, "PYTHONPATH": str(ROOT)},
        input=stdin.decode(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_committed_files_of_the_checkout_are_neither_settings_nor_data_nor_configuration(
    checkout: Path, home: Path
) -> None:
    git(checkout, "checkout", "--quiet", "main")
    planted = {
        ".env": "QUORUM_DATA_DIR=.\nANTHROPIC_API_KEY=planted\nANTHROPIC_BASE_URL=http://127.0.0.1:9\nQUORUM_DATABASE_URL=sqlite:///planted.db\n",
        "quorum.db": "not a database",
        ".quorum/quorum.db": "not a database",
        "ruff.toml": "select = []\nexclude = ['*']\n",
        "pyproject.toml": "[tool.ruff]\nexclude = ['*']\n",
    }
    git(checkout, "checkout", "--quiet", "-B", "planted", "change")
    commit(checkout, {**planted, ".github/quorum.yml": "enabled: false\nstages: []\n"}, branch="planted")
    done = quorum(checkout, "review", "main...planted", "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert "pay.py" in {each["path"] for each in report["findings"]}
    assert {stage["provider"] for stage in report["stages"]} == {"analyzers"}
    assert (home / ".local/state/quorum/quorum.db").is_file()
    assert git(checkout, "status", "--porcelain", "--ignored") == b""
    assert "Traceback" not in done.stderr


def test_the_configuration_of_a_range_comes_from_its_base_commit(checkout: Path, run: Run) -> None:
    git(checkout, "checkout", "--quiet", "main")
    commit(checkout, {".github/quorum.yml": "stages: [security]\n"}, branch="base")
    commit(checkout, {"pay.py": PAY, ".github/quorum.yml": "stages: [docs]\n"}, branch="head")
    _, out, _ = run("base...head", report_format="json")
    statuses = {stage["stage"]: stage["status"] for stage in json.loads(out)["stages"]}
    assert statuses == {"review": "skipped", "security": "completed", "docs": "skipped"}


def test_a_bare_repository_and_a_subfolder_work(
    tmp_path: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = GitRepository(tmp_path / "bare.git")
    base = bare.commit(
        {"a.py": "a = 1\n"}, ref="refs/heads/main", parents=[], message="One", author="alice", at=1e9
    )
    bare.commit(
        {"a.py": "a = 2\n"}, ref="refs/heads/change", parents=[base], message="Two", author="alice", at=1e9
    )
    assert review(ReviewOptions(target="main...change", repo=bare.path, report_format="json")) == 0
    assert json.loads(capsys.readouterr().out)["coverage"]["files"] == 1


@pytest.mark.slow
def test_a_folder_without_a_repository_exits_with_2_without_a_traceback(tmp_path: Path, home: Path) -> None:
    done = quorum(tmp_path, "review", "main...HEAD")
    assert done.returncode == 2
    assert "is not in a git repository" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_option_exits_with_2(tmp_path: Path, home: Path) -> None:
    assert quorum(tmp_path, "review", "main...HEAD", "--format", "pdf").returncode == 2
