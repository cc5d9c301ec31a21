"""The wheel contains everything that the program needs, and runs without a checkout. It is built offline, from a copy of the tree."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.unit.repository.files import ROOT

PACKAGES = ("app", "github_sandbox", "webhooks", "prompts")
PATCH = """\
diff --git a/run.py b/run.py
new file mode 100644
--- /dev/null
+++ b/run.py
@@ -0,0 +1,6 @@
+import os
+from flask import request
+
+
+def run():
+    os.system('ls ' + request.args['d'])
"""


def files() -> list[str]:
    """Every file that belongs in the wheel."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    return [str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the unpacked wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    for path in (*files(), "pyproject.toml", "README.md", "LICENSE", "app.yml"):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tree / path, follow_symlinks=False)
    used = (
        tree / "github_sandbox/sample/base/payments/__pycache__"
    )  # left behind when someone runs the sample
    used.mkdir()
    (used / "charges.cpython-311.pyc").write_bytes(b"")
    built = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            ".",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            "-w",
            folder,
        ],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("quorum_review-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def run(
    installed: Path, folder: Path, *arguments: str, given: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run the program from the wheel in its own folder, with the packages of this environment."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(installed)}
    program = "import app, sys; from app.cli import main; sys.stderr.write(app.__file__); main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_packages(installed: Path) -> None:
    expected = set(files())
    installed_files = {str(path.relative_to(installed)) for path in installed.rglob("*") if path.is_file()}
    assert expected - installed_files == set()
    assert (installed / "app/data/app.yml").read_bytes() == (ROOT / "app.yml").read_bytes()
    own = {path for path in installed_files if ".dist-info/" not in path}
    assert own - expected == set()


@pytest.mark.slow
def test_a_review_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "review", "-", "--format", "json", given=PATCH)
    assert done.returncode == 0, done.stderr
    assert str(installed) in done.stderr
    assert '"run.py"' in done.stdout


def test_the_version_comes_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert run(installed, tmp_path, "--version").stdout.strip() == f"quorum {project['version']}"


def test_the_prompts_are_found_in_the_wheel(installed: Path, tmp_path: Path) -> None:
    program = "from app.prompting.prompts import DEFAULT_FOLDER, Prompts; Prompts(); print(DEFAULT_FOLDER)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()) == installed / "prompts"
