"""MCP over stdio as a client uses it: from starting `quorum mcp` to the first result of the analyzers."""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from mcp import Client
from mcp.client.stdio import StdioServerParameters

CODE = "import os\n\n\ndef run(name):\n    os.system('ls ' + input())\n"
TIMES = 3


async def measure(state: Path) -> tuple[float, float, float]:
    """Seconds to the first response, from the tool list to the first result, and of a second call."""
    environment = {"PATH": os.environ.get("PATH", ""), "XDG_STATE_HOME": str(state), "HOME": str(state)}
    server = StdioServerParameters(
        command=str(Path(sys.executable).parent / "quorum"), args=["mcp"], env=environment, cwd=str(state)
    )
    begun = time.perf_counter()
    async with Client(server) as client:
        await client.list_tools()
        listed = time.perf_counter()
        await client.call_tool("code_review", {"code": CODE})
        first = time.perf_counter()
        await client.call_tool("security_scan", {"code": CODE})
        second = time.perf_counter()
    return listed - begun, first - listed, second - first


def main() -> None:
    """Print the figures."""
    print(f"{'start to list':>14} {'list to result':>15} {'second call':>12}   seconds")
    for _ in range(TIMES):
        with tempfile.TemporaryDirectory() as state:
            start, first, second = asyncio.run(measure(Path(state)))
        print(f"{start:>14.2f} {first:>15.2f} {second:>12.2f}")


if __name__ == "__main__":
    main()
