"""What is installed is what was locked, and can be listed."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_locked_package_stands_in_the_bill_of_materials_with_its_hashes() -> None:
    printed = subprocess.run(
        [sys.executable, ROOT / "scripts" / "sbom.py"], capture_output=True, text=True, check=True
    ).stdout
    components = json.loads(printed)["components"]
    locked = [
        line for line in (ROOT / "requirements" / "runtime.txt").read_text().splitlines() if "==" in line[:60]
    ]
    assert len(components) == len([line for line in locked if not line.lstrip().startswith("#")]) > 50
    assert all(component["hashes"] for component in components)
    assert {"dbos", "fastapi", "githubkit"} <= {component["name"] for component in components}
