"""Runs every benchmark, each in a process of its own, and prints what it prints. A missed bar stops nothing.

make benchmark
"""

import os
import subprocess
import sys
import time
from pathlib import Path

BY_HAND = {
    "kills",
    "sender",
}  # 200 kills take longer than all the others; `sender` is acknowledge's other end
SHORT = {"forged": ("--requests", "3000")}  # the whole one by hand
LONGEST_S = 240


def main() -> int:
    """Every benchmark in turn; 1 if one did not come to its end."""
    started_s = time.monotonic()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: above {os.cpu_count()} times are the machine's, not ours"
    )
    broken = [name for name in sorted(_programs() - BY_HAND) if _run(name)]
    print(f"\n{time.monotonic() - started_s:.0f} s in all" + "".join(f"; {name} broke" for name in broken))
    return 1 if broken else 0


def _programs() -> set[str]:
    """The modules beside this one that can be run; the others are parts of them."""
    beside = (path for path in Path(__file__).parent.glob("*.py") if path.name != "__main__.py")
    return {path.stem for path in beside if '__name__ == "__main__"' in path.read_text(encoding="utf-8")}


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
