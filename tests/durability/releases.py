"""The last release, built from git and installed beside this one. Not a test."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.unit.repository.files import ROOT

LAST_RELEASE = "9c67ad5"  # nothing is published yet; this commit stands for the last release


def install_last_release(folder: Path) -> Path:
    """Build the wheel of the last release and install it into an environment of its own; returns its `quorum`.

    The environment sees the libraries of this one, but not this release. Skips the test if git does not have the commit.
    """
    archive = subprocess.run(
        ["git", "archive", "--format=tar", LAST_RELEASE], cwd=ROOT, capture_output=True, check=False
    )
    if archive.returncode:
        pytest.skip(
            f"git has no commit {LAST_RELEASE}, which stands for the last release: fetch the whole history"
        )
    source = folder / "source"
    source.mkdir(parents=True)
    subprocess.run(["tar", "-x"], cwd=source, input=archive.stdout, check=True)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            folder,
            source,
        ],
        check=True,
        env={**os.environ, "PIP_NO_INDEX": "1"},
    )
    return _install(next(folder.glob("*.whl")), folder / "environment")


def _install(wheel: Path, environment: Path) -> Path:
    """Unpack the wheel before the libraries of this environment on the path."""
    venv.create(environment, with_pip=False, symlinks=True)
    libraries = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(libraries)
    (libraries / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    quorum = environment / "bin" / "quorum"
    quorum.write_text(
        f"#!{environment / 'bin' / 'python'}\nimport sys\nfrom app.cli import main\nsys.exit(main())\n"
    )
    quorum.chmod(0o755)
    return quorum
