"""How long `quorum --help` and `quorum serve` take to start, and which SDKs they load.

python -m benchmarks.start_up
"""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figures import Figure, print_figures
from benchmarks.local_deployment import cpu_s, deploy_locally

ROUNDS = 5
HELP_TARGET_S, READY_TARGET_S = 0.4, 3.0
QUORUM = Path(sys.executable).with_name("quorum")
SDKS = ("anthropic", "openai", "google.genai", "githubkit", "dbos", "sqlmodel", "fastapi", "mcp")
LOADED = (
    "import contextlib, io, sys\n"
    "from app.cli import cli\n"
    "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
    "    cli(['--help'])\n"
    f"print(*(name for name in {SDKS!r} if name in sys.modules))\n"
)


async def measure() -> list[Figure]:
    """Take the best of several runs each, because other processes share this machine."""
    help_s = min(_help_s() for _ in range(ROUNDS))
    loaded = _loaded()
    ready_s, cpu_used_s = min([await _ready_s() for _ in range(3)])
    return [
        Figure(
            name="quorum --help",
            measured=f"{help_s:.2f} s, SDKs loaded: {loaded or 'none'}",
            target=f"≤ {HELP_TARGET_S} s, no SDK",
            reached=help_s <= HELP_TARGET_S and not loaded,
        ),
        Figure(
            name="quorum serve ready, new database, three vendors",
            measured=f"{ready_s:.2f} s ({cpu_used_s:.1f} s of CPU)",
            target=f"≤ {READY_TARGET_S:g} s (peer: 5.5–10 s)",
            reached=ready_s <= READY_TARGET_S,
        ),
    ]


def _loaded() -> str:
    """The SDKs that `quorum --help` imports."""
    run = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def _help_s() -> float:
    started_s = time.perf_counter()
    subprocess.run([QUORUM, "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started_s


async def _ready_s() -> tuple[float, float]:
    """Wall and CPU seconds until the App is ready."""
    async with deploy_locally() as deployment:
        return deployment.ready_s, cpu_s(deployment.process.pid)


if __name__ == "__main__":
    print_figures(asyncio.run(measure()))
