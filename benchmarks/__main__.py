"""Runs every benchmark, each in a process of its own, and prints what it prints. A missed bar stops nothing.

make benchmark
"""

import importlib.util
import subprocess
import sys
import time

BENCHMARKS = (
    "github_calls",
    "start_up",
    "acknowledge",
    "wall_time",
    "memory",
    "incremental",
    "model_layer",
    "diff_parser",
    "analyzers",
    "dashboard",
)
LONGEST_S = 180


def main() -> int:
    """Every benchmark in turn; 1 if one did not come to its end."""
    started_s = time.monotonic()
    broken = [name for name in BENCHMARKS if _run(name)]
    print(f"\n{time.monotonic() - started_s:.0f} s in all" + "".join(f"; {name} broke" for name in broken))
    return 1 if broken else 0


def _run(name: str) -> int:
    """The exit code of one benchmark."""
    if importlib.util.find_spec(f"benchmarks.{name}") is None:
        return 0
    print(f"\nbenchmarks.{name}", flush=True)
    try:
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        return subprocess.run(command, check=False, timeout=LONGEST_S).returncode
    except subprocess.TimeoutExpired:
        return 1


if __name__ == "__main__":
    sys.exit(main())
