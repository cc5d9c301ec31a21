"""`quorum fix` as users run it: the patch and who confirmed it, `--apply`, what it refuses, exit codes."""

import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.commands.fix import FixOptions, fix
from app.main import Network
from github_sandbox import GitHubSandbox
from tests.contracts.guard import OpenApiGuard
from tests.fakes.vendors import BASE_URLS, KEYS, MODELS
from tests.scenarios.fixing import SAFE, Fixers, text_edit
from tests.scenarios.test_review_command import commit, git
from tests.scenarios.vendors import BUG, Vendors
from tests.scenarios.world import ALL, ShortClock

SHOP = f"prices = []\r\n{BUG}\r\nprint(total)\r\n"
VARIABLES = {
    "claude": ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "gpt": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "gemini": ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with `main` and `change`, which is checked out; three vendors have keys."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    for provider in ALL:
        for name, values in zip(VARIABLES[provider], (KEYS, BASE_URLS), strict=True):
            monkeypatch.setenv(name, values[provider])
        for size, model in (("", MODELS[provider].large), ("_SMALL", MODELS[provider].small)):
            monkeypatch.setenv(f"QUORUM_{provider.upper()}{size}_MODEL", model)
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "config", "core.autocrlf", "false")
    commit(folder, {"cart.py": "a = 1\n"}, branch="main")
    git(folder, "checkout", "--quiet", "-B", "change")
    (folder / "shop.py").write_bytes(SHOP.encode())
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Change")
    return folder


@pytest.fixture
def fixers() -> Fixers:
    return Fixers(Vendors())


@pytest.fixture
def run(checkout: Path, fixers: Fixers, capsys: pytest.CaptureFixture[str]) -> Run:
    """(exit code, output, messages) of `quorum fix` in the checkout."""

    def run_(target: str = "main...change", **options: Any) -> tuple[int, str, str]:
        network = options.pop("network", Network())
        network = Network(models=fixers.fake.http_client(), github=network.github, clock=ShortClock())
        code = fix(FixOptions(target=target, repo=checkout, **options), network=network)
        out, err = capsys.readouterr()
        return code, out, err

    return run_


def test_a_fix_is_printed_as_a_patch_that_git_applies_and_the_working_tree_stays(
    run: Run, checkout: Path
) -> None:
    code, out, _ = run()
    assert code == 0
    assert "fixed by claude:" in out
    assert "confirmed by gpt:" in out
    assert "Return zero for an empty cart" in out
    assert (checkout / "shop.py").read_bytes() == SHOP.encode()
    subprocess.run(["git", "apply"], input=out.encode(), cwd=checkout, check=True)
    assert (checkout / "shop.py").read_bytes() == SHOP.replace(BUG, SAFE).encode()


def test_apply_writes_a_clean_working_tree_and_refuses_any_other(
    run: Run, checkout: Path, fixers: Fixers
) -> None:
    shop = checkout / "shop.py"
    shop.chmod(0o755)
    git(checkout, "commit", "--quiet", "--all", "--message", "Executable")
    shop.write_bytes(b"changed\n")
    code, _, err = run(apply=True)
    assert (code, "The working tree has changes" in err) == (2, True)
    git(checkout, "checkout", "--quiet", ".")
    git(checkout, "checkout", "--quiet", "main")
    code, _, err = run(apply=True)
    assert (code, "checked out" in err) == (2, True)
    assert not fixers.asked
    git(checkout, "checkout", "--quiet", "change")
    code, out, _ = run(apply=True)
    assert (code, "Wrote shop.py." in out) == (0, True)
    assert shop.read_bytes() == SHOP.replace(BUG, SAFE).encode()
    assert os.access(shop, os.X_OK)
    assert git(checkout, "status", "--porcelain") == b" M shop.py\n"


def test_a_second_try_gets_the_objection_and_after_two_the_fix_is_not_used(
    run: Run, fixers: Fixers, checkout: Path
) -> None:
    fixers.edits = [[text_edit(old="no such line")], [text_edit()]]
    fixers.objections = ["The total of a discount is still wrong."]
    code, out, _ = run(apply=True)
    assert code == 1
    assert "the text to replace is not in shop.py: no such line" in fixers.asked[1].text
    assert "not confirmed (proposed by claude:" in out
    assert "The total of a discount is still wrong" in out
    assert len(fixers.asked) == 2
    assert (checkout / "shop.py").read_bytes() == SHOP.encode()
    code, out, _ = run(unconfirmed=True)
    assert (code, "GIT binary patch" in out) == (1, True)


@pytest.mark.parametrize("target", ["-", "--staged"])
def test_a_target_without_files_is_refused(run: Run, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patch = b"--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(patch)))
    assert run(target)[0] == 2


def test_the_fixer_and_the_finder_never_confirm_their_own_fix(
    run: Run, fixers: Fixers, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    assert ({each.provider for each in fixers.asked}, {each.provider for each in fixers.judged}) == (
        {"claude"},
        {"gpt"},
    )
    for name in (*VARIABLES["gpt"], *VARIABLES["gemini"]):
        monkeypatch.delenv(name)
    code, out, _ = run()
    assert code == 1
    assert "no other vendor's model could check it" in out


def test_the_url_of_a_pull_request_is_fixed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    github = GitHubSandbox(tmp_path / "github")
    repository = github.create_repository("octo/shop", {"README.md": "x\n"})
    pull = repository.open_pull({"shop.py": SHOP.replace("\r", "")})
    monkeypatch.setenv("GITHUB_TOKEN", github.tokens.create_user_token("alice"))
    monkeypatch.setenv("GITHUB_API_URL", github.urls.api)
    guard = OpenApiGuard(raises=True)
    network = Network(github=guard.wrap(github.transport()))
    code, out, err = run(f"{github.urls.html}/octo/shop/pull/{pull.number}", network=network)
    assert (code, f"+{SAFE}" in out) == (0, True), err
