"""What a push costs after a large first review. Targets: ≤ 3 % of its prompt tokens, ≤ 12 GitHub calls.

An 80-file pull request of about 114,000 tokens, then a push of one hunk and the same hunk after a rebase; and on a small one a
push that fixes four findings and adds one. Uses webhook bytes, the stand-in for GitHub and the fake vendors.
Run: `python -m benchmarks.incremental`.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from app.llm.router import estimate_tokens
from tests.scenarios.vendors import BUG, Reviewers
from tests.scenarios.world import World, open_shop

FILES = 80
LINES = 150


def change() -> dict[str, str]:
    """80 new files, about 1,430 tokens each."""
    return {f"shop/part_{number:02}/module.py": _module(number) for number in range(FILES)}


def _module(number: int) -> str:
    return "".join(
        f"def price_{number}_{line}(cart, rate):\n    return cart.total_{line} * rate + {line}\n"
        for line in range(LINES // 2)
    )


def one_hunk(files: Mapping[str, str]) -> dict[str, str]:
    """One function of one file, changed."""
    path = "shop/part_40/module.py"
    return {path: files[path].replace("cart.total_30 * rate + 30", "cart.total_30 / rate")}


async def measure(world: World) -> None:
    """Print a line for each push."""
    files = change()
    raw = sum(estimate_tokens(text) for text in files.values())
    print(f"change: {FILES} files, about {raw:,} tokens")
    base = {f"{path}.md": "x\n" for path in ("README",)}
    pull = world.create_repository(base).open_pull(files)
    first = await _settled(world, "first review", None)
    pull.push(one_hunk(files))
    await _settled(world, "push of one hunk", first)
    pull.repository.push({"elsewhere.py": "x = 1\n"})
    pull.force_push({**files, **one_hunk(files)})
    await _settled(world, "rebase", first)


async def measure_threads(world: World) -> None:
    """Print a line for a push that replies in threads, resolves them and posts a review."""
    buggy = f"def average(prices):\n    {BUG}\n    return total\n"
    pull = world.create_repository(name="acme/threads").open_pull(
        {f"cart_{number}.py": buggy for number in range(5)}
    )
    await world.settle()
    pull.push({"cart_4.py": "total = 0\n"})
    await world.settle()  # from now on the App knows whether it may resolve threads here
    fixed = {f"cart_{number}.py": buggy.replace(BUG, "total = 1") for number in range(4)}
    pull.push({**fixed, "new.py": f"{buggy}# new\n"})
    await _settled(world, "push that fixes four findings and makes one", None)


async def _settled(world: World, name: str, first_tokens: int | None) -> int:
    world.vendors.fake.forget()
    before = len(world.github.requests)
    await world.settle()
    tokens = sum(estimate_tokens(request.system + request.text) for request in world.vendors.fake.requests)
    calls = [
        call for call in world.github_calls()[before:] if ".git/" not in call
    ]  # git requests are not API calls
    share = "" if first_tokens is None else f", {tokens / first_tokens:.2%} of the first"
    print(
        f"{name}: {len(world.vendors.fake.requests)} model calls, {tokens:,} prompt tokens{share}; {len(calls)} GitHub calls"
    )
    return tokens


async def _main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_shop(Path(folder), git=True) as world:
            Reviewers(world.vendors, bugs={})
            await measure(world)
            Reviewers(world.vendors)
            await measure_threads(world)


def main() -> None:
    """Measure and print."""
    asyncio.run(_main())


if __name__ == "__main__":
    main()
