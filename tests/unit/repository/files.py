"""Reads the repository's files for the tests in this folder. Not a test."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]


def read(path: str) -> str:
    """The text of a file, by its path from the root."""
    return (ROOT / path).read_text(encoding="utf-8")


def read_yaml(path: str) -> Any:
    """The value of a YAML file, with merges and aliases resolved."""
    return yaml.safe_load(read(path))


def tracked() -> list[str]:
    """Every existing path that git tracks; in a tree without git, every file of the packages."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()]
    folders = ("app", "github_sandbox", "webhooks", "prompts", "docs", "tests", "benchmarks", "requirements")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts]
