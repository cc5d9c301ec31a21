"""The audit and the bill of materials cover every locked package."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import audit

ROOT = Path(__file__).parents[2]


def audited(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, **fields}


CLEAN = audited("dbos", version="3.4.0", vulns=[])
WEAK = audited(
    "jinja2",
    version="3.1.0",
    vulns=[{"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "fix_versions": ["3.1.6"], "description": "…"}],
)
UNKNOWN = audited("quorum", skip_reason="Dependency not found on PyPI")


def test_a_known_vulnerability_of_a_locked_package_is_reported_with_its_fix() -> None:
    assert audit.judge({"dependencies": [CLEAN, WEAK]}) == ["jinja2 3.1.0: PYSEC-1, fixed in 3.1.6"]


def test_an_unknown_package_is_not_reported_as_clean() -> None:
    assert audit.judge({"dependencies": [CLEAN, UNKNOWN]}) == [
        "quorum: not audited: Dependency not found on PyPI"
    ]
    assert audit.judge({"dependencies": [CLEAN]}) == []


@pytest.mark.parametrize(
    ("report", "reached"),
    [(None, False), ({"dependencies": [UNKNOWN]}, False), ({"dependencies": [CLEAN, UNKNOWN]}, True)],
)
def test_a_service_that_knows_no_package_counts_as_unreachable(
    report: dict[str, Any] | None, reached: bool
) -> None:
    assert audit.is_reached(report) is reached


def test_every_accepted_vulnerability_has_a_reason() -> None:
    assert all(len(reason) > 20 for reason in audit.ACCEPTED.values())


def test_the_first_request_is_for_one_package_with_its_hashes() -> None:
    entry = audit.first_entry(audit.LOCK.read_text())
    assert len(re.findall("==", entry)) == 1
    assert "--hash=sha256:" in entry


def test_the_bill_of_materials_has_every_locked_package_with_its_hashes() -> None:
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
