"""Runs every benchmark, each in a process of its own, and prints what it prints. A missed bar stops nothing.

make benchmark
"""

import os
import subprocess
import sys
import time
from pathlib import Path

PARTS = {"__init__", "__main__", "change", "figures", "local_world", "sender"}
BY_HAND = {"kills"}  # 200 of them take longer than all the others
SHORT = {"forged": ("--requests", "3000"), "throughput": ("--reviews", "40")}  # the whole ones by hand
LONGEST_S = 150


def main() -> int:
    """Every benchmark in turn; 1 if one did not come to its end."""
    started_s = time.monotonic()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: above {os.cpu_count()} times are the machine's, not ours"
    )
    found = {path.stem for path in Path(__file__).parent.glob("*.py")}
    broken = [name for name in sorted(found - PARTS - BY_HAND) if _run(name)]
    print(f"\n{time.monotonic() - started_s:.0f} s in all" + "".join(f"; {name} broke" for name in broken))
    return 1 if broken else 0


def _run(name: str) -> int:
    """The exit code of one benchmark."""
    print(f"\nbenchmarks.{name}", flush=True)
    try:
        command = [sys.executable, "-m", f"benchmarks.{name}", *SHORT.get(name, ())]
        return subprocess.run(command, check=False, timeout=LONGEST_S).returncode
    except subprocess.TimeoutExpired:
        return 1


if __name__ == "__main__":
    sys.exit(main())
