"""Posts webhooks from a separate process, so that it measures the App's time and not the stand-ins'.

    python -m benchmarks.sender URL RATE <deliveries.json

RATE is deliveries per second, or 0 for all together. Prints a JSON list of [status, seconds], one per delivery.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import httpx

from github_sandbox import Delivery


async def send_all(url: str, deliveries: Sequence[Delivery], *, rate: float = 0.0) -> list[tuple[int, float]]:
    """Send from another process; return (status, seconds) of each delivery, with status 0 for no response."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.sender", url, str(rate),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    wire = [{"headers": dict(each.headers), "body": each.body.decode()} for each in deliveries]
    said, _ = await process.communicate(json.dumps(wire).encode())
    return [(status, taken_s) for status, taken_s in json.loads(said)]


async def _post_all(url: str, wire: list[dict[str, Any]], *, rate: float) -> list[tuple[int, float]]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=10, limits=limits) as client:  # GitHub's timeout is 10 s

        async def post(number: int, delivery: dict[str, Any]) -> tuple[int, float]:
            await asyncio.sleep(number / rate if rate else 0.0)
            started_s = time.perf_counter()
            try:
                answer = await client.post(url, headers=delivery["headers"], content=delivery["body"])
                status = answer.status_code
            except httpx.TransportError:
                status = 0
            return status, time.perf_counter() - started_s

        return await asyncio.gather(*(post(number, each) for number, each in enumerate(wire)))


if __name__ == "__main__":
    answers = asyncio.run(_post_all(sys.argv[1], json.load(sys.stdin), rate=float(sys.argv[2])))
    json.dump(answers, sys.stdout)
