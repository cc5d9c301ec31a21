"""How much memory the App uses after 30 reviews, with three vendors and without any key. Linux only.

    python -m benchmarks.memory

PSS counts shared pages proportionally. https://docs.kernel.org/filesystems/proc.html
"""

import asyncio
import re
from pathlib import Path

from app.domain.model_call import Provider
from benchmarks.figures import Figure, print_figures
from benchmarks.local_deployment import MCP_TOKEN, VENDORS, LocalDeployment, deploy_locally

REVIEWS = 30
TARGET_MIB, KEYLESS_TARGET_MIB = 320, 160
_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)


async def measure() -> list[Figure]:
    """Measure once with three vendors, once without a key."""
    return [
        await _measure("three vendors, MCP in use", VENDORS, TARGET_MIB, "peer: 522 MiB"),
        await _measure("no key", (), KEYLESS_TARGET_MIB, "analyzers only"),
    ]


async def _measure(name: str, vendors: tuple[Provider, ...], target_mib: int, remark: str) -> Figure:
    async with deploy_locally(vendors=vendors) as deployment:
        at_start_mib = pss_mib(deployment.process.pid)
        pulls = [deployment.open_pull(number) for number in range(REVIEWS)]
        await deployment.deliver()
        for pull in pulls:
            await deployment.until_reviewed(pull)
        if vendors:
            await _call_mcp(deployment)
        after_mib = pss_mib(deployment.process.pid)
    return Figure(
        name=f"memory after {REVIEWS} reviews, {name}",
        measured=f"{after_mib:.0f} MiB PSS ({at_start_mib:.0f} at the start)",
        target=f"≤ {target_mib} MiB ({remark})",
        reached=after_mib <= target_mib,
    )


async def _call_mcp(deployment: LocalDeployment) -> None:
    """Call MCP once, so that its SDK is loaded and the tools are built."""
    answer = await deployment.client.post(
        f"{deployment.app_url}/mcp",
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        headers={"authorization": f"Bearer {MCP_TOKEN}", "accept": "application/json, text/event-stream"},
    )
    assert answer.status_code == 200, answer.text


def pss_mib(pid: int) -> float:
    """The proportional set size of a process and its children, from all of its threads."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    family = [pid, *(int(child) for children in threads for child in children.read_text().split())]
    return sum(_pss_mib(each) for each in family)


def _pss_mib(pid: int) -> float:
    found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
    return int(found[1]) / 1_024 if found else 0.0


if __name__ == "__main__":
    print_figures(asyncio.run(measure()))
