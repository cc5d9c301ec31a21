"""Asks for published weaknesses of what `requirements/runtime.txt` locks, by pip-audit; exit 1 where one is known.

    python scripts/audit.py

pip-audit calls a package that the advisory service does not know "skipped" and the audit clean. Here that is none: where the service
cannot be asked, this says so and exits 0; where it knows some packages and not others, it exits 1. Installs nothing.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements" / "runtime.txt"
TIMEOUT_S = 180
ACCEPTED: dict[str, str] = {}  # id of a weakness → why it does not touch Quorum
UNASKED = "not audited: the service of advisories cannot be reached from here"

Json = dict[str, Any]


def judge(report: Json) -> list[str]:
    """What is wrong, a line each; nothing where every package was looked up and is clean, or its weakness accepted."""
    lines: list[str] = []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            lines.append(f"{package['name']}: not audited: {package['skip_reason']}")
        lines += [
            f"{package['name']} {package['version']}: {each['id']}, mended in {', '.join(each['fix_versions']) or 'none'}"
            for each in package.get("vulns", [])
            if not {each["id"], *each.get("aliases", [])} & ACCEPTED.keys()
        ]
    return lines


def is_reached(report: Json | None) -> bool:
    """Whether the service knew any package."""
    return report is not None and any("skip_reason" not in each for each in report["dependencies"])


def ask(lock: Path) -> Json | None:
    """pip-audit's report; None where it does not get that far."""
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
    """The first package with its hashes: one question shows whether the service answers."""
    lines = [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]
    ends = next(number for number, line in enumerate(lines) if not line.endswith("\\"))
    return "\n".join(lines[: ends + 1]) + "\n"


def main() -> int:
    """Print and return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder) / "one.txt"
        probe.write_text(first_entry(LOCK.read_text(encoding="utf-8")), encoding="utf-8")
        report = ask(LOCK) if is_reached(ask(probe)) else None
    if report is None:
        sys.stdout.write(f"{UNASKED}\n")
        return 0
    lines = judge(report)
    sys.stdout.write(
        "\n".join(lines or [f"{len(report['dependencies'])} packages, no known weakness"]) + "\n"
    )
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
