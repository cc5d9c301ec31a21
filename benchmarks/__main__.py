"""Run every benchmark in its own process. A missed target does not stop the others.

make benchmark
"""

import os
import subprocess
import sys
import time
from pathlib import Path

BY_HAND = {
    "fix_kills",
    "kills",
    "sender",
    "soak",  # runs for hours
}  # 50 and 200 kills take longer than all the others; `sender` is a helper of `acknowledge`
SHORT = {  # run the full ones by hand
    "blindness": ("--changes", "400"),
    "forged": ("--requests", "3000"),
    "large_changes": ("--files", "3", "20", "80"),
}
LONGEST_S = 240


def main() -> int:
    """Run every benchmark in turn; return 1 if one failed to finish."""
    started_s = time.monotonic()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: above {os.cpu_count()} times are the machine's, not ours"
    )
    broken = [name for name in sorted(_programs() - BY_HAND) if _run(name)]
    print(f"\n{time.monotonic() - started_s:.0f} s in total" + "".join(f"; {name} failed" for name in broken))
    return 1 if broken else 0


def _programs() -> set[str]:
    """The modules in this folder that can be run; the others are parts of them."""
    beside = (path for path in Path(__file__).parent.glob("*.py") if path.name != "__main__.py")
    return {path.stem for path in beside if '__name__ == "__main__"' in path.read_text(encoding="utf-8")}


def _run(name: str) -> int:
    """Run one benchmark and return its exit code."""
    print(f"\nbenchmarks.{name}", flush=True)
    try:
        command = [sys.executable, "-m", f"benchmarks.{name}", *SHORT.get(name, ())]
        return subprocess.run(command, check=False, timeout=LONGEST_S).returncode
    except subprocess.TimeoutExpired:
        return 1


if __name__ == "__main__":
    sys.exit(main())
