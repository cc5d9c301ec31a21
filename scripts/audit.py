"""Look up published vulnerabilities of the packages in `requirements/runtime.txt` with pip-audit; exit 1 if there is one.

    python scripts/audit.py

pip-audit reports a package that the advisory service does not know as "skipped" and the audit as clean. This script does not: if the
service is unreachable, it says so and exits with 0; if the service knows only some packages, it exits with 1. It installs nothing.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements" / "runtime.txt"
TIMEOUT_S = 180
ACCEPTED: dict[str, str] = {}  # id of a vulnerability → why it does not affect Quorum
UNREACHABLE = "not audited: the advisory service is unreachable"

Json = dict[str, Any]


def judge(report: Json) -> list[str]:
    """One line for each problem; empty if every package was looked up and has no vulnerability that is not accepted."""
    lines: list[str] = []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            lines.append(f"{package['name']}: not audited: {package['skip_reason']}")
        lines += [
            f"{package['name']} {package['version']}: {each['id']}, fixed in {', '.join(each['fix_versions']) or 'none'}"
            for each in package.get("vulns", [])
            if not {each["id"], *each.get("aliases", [])} & ACCEPTED.keys()
        ]
    return lines


def is_reached(report: Json | None) -> bool:
    """Whether the service knows any package."""
    return report is not None and any("skip_reason" not in each for each in report["dependencies"])


def run_pip_audit(lock: Path) -> Json | None:
    """pip-audit's report, or None if it fails before it has one."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(lock), "--require-hashes", "--disable-pip"]
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        done = subprocess.run(  # noqa: S603 - the lock of this repository
            [*command, *options], capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
        return json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return None


def first_entry(lock: str) -> str:
    """The first package with its hashes, to find out whether the service answers."""
    lines = [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]
    ends = next(number for number, line in enumerate(lines) if not line.endswith("\\"))
    return "\n".join(lines[: ends + 1]) + "\n"


def main() -> int:
    """Print the result and return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "one.txt"
        probe.write_text(first_entry(LOCK.read_text(encoding="utf-8")), encoding="utf-8")
        report = run_pip_audit(LOCK) if is_reached(run_pip_audit(probe)) else None
    if report is None:
        sys.stdout.write(f"{UNREACHABLE}\n")
        return 0
    lines = judge(report)
    sys.stdout.write(
        "\n".join(lines or [f"{len(report['dependencies'])} packages, no known vulnerability"]) + "\n"
    )
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
