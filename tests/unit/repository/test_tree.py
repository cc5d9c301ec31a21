import re
import subprocess

import pytest

from tests.unit.repository.files import ROOT, read, tracked

LOCKS = ("requirements/runtime.txt", "requirements/dev.txt")
# Paths of a developer's machine mean nothing to users, and an index address would override theirs.
FOREIGN = re.compile(
    rb"/work/|/root/|/Users/\w|/home/(?!runner/|user\b|app\b)[a-z]\w*/|files\.python"
    rb"hosted\.|py"
    rb"pi\.org/"
    rb"|registry\.npm"
    rb"js\.|--(?:extra-)?index-url|--trusted-host|--find-links"
)
VENDORED = (
    "tests/data/",
    "app/data/",
    "app/dashboard/static/vendor/",
    "github_sandbox/static/",
    "tests/unit/repository/",
)
FIRST_SCREEN_LINES = 25


@pytest.mark.parametrize("path", LOCKS)
def test_every_requirement_is_pinned_and_hashed(path: str) -> None:
    entries = [
        each for each in re.split(r"\n(?=\S)", read(path).replace("\\\n", " ")) if each and each[0] != "#"
    ]
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(?:\[[\w, -]+\])?==\S+ ", entry), entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]


@pytest.mark.parametrize("path", LOCKS)
def test_the_lock_names_no_index(path: str) -> None:
    lines = [line for line in read(path).splitlines() if not line.lstrip().startswith("#")]
    assert not [line for line in lines if "://" in line or "--index" in line]


def test_the_development_lock_has_the_versions_of_the_runtime_lock() -> None:
    runtime, dev = (dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", read(path), re.MULTILINE)) for path in LOCKS)
    assert {name: dev.get(name, version) for name, version in runtime.items()} == runtime


def test_no_file_names_a_developers_machine_or_a_package_index() -> None:
    own = [path for path in tracked() if not path.startswith(VENDORED)]
    assert len(own) > 300
    named = [path for path in own if FOREIGN.search((ROOT / path).read_bytes())]
    assert not named


def test_the_first_screen_of_the_readme_has_exactly_two_commands() -> None:
    screen = "\n".join(read("README.md").splitlines()[:FIRST_SCREEN_LINES])
    (block,) = re.findall(r"```sh\n(.*?)```", screen, re.DOTALL)
    assert [line.split("#")[0].strip() for line in block.strip().splitlines()] == ["make demo", "make test"]


def test_every_documented_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    pages = "".join(read(path) for path in tracked() if path.endswith(".md")) + read(".ci/run")
    named = set(re.findall(r"(?:^|`)make (?:-j2 )?([a-z-]+)", pages, re.MULTILINE))
    assert {"demo", "test", "check", "benchmark"} <= named
    assert named <= targets


def test_ci_runs_the_checks_and_the_readmes_test_command() -> None:
    made = [line.strip() for line in read(".ci/run").splitlines() if line.strip().startswith("make ")]
    assert made == ["make -j2 check test", "make test-slow", "make audit"]
    subprocess.run(["bash", "-n", ROOT / ".ci/run"], check=True)


def test_the_usual_project_files_exist() -> None:
    required = "ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md SECURITY.md LICENSE Makefile app.yml Dockerfile compose.yaml"
    assert not [name for name in required.split() if not (ROOT / name).is_file()]
    assert not (ROOT / "uv.lock").exists()
