"""What a review of 20 files sends: prompt tokens compared with the raw patch, repeated prefixes, and a re-review without changes.

    python -m benchmarks.prompts

The whole pipeline over a real git repository; the vendors are fakes in this process.
"""

import asyncio
import logging
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from app.domain.model_call import Provider
from app.domain.pull_request import Source
from app.github.local import GitRangeSource, PatchSource
from benchmarks.change import VENDORS, Change, Lab, finding, make_change
from benchmarks.figures import Figure, print_figures
from tests.fakes.vendor_wire import VendorRequest
from tests.fakes.vendors import CHARACTERS_PER_TOKEN

FILES = 20
RANGE = "HEAD~1...HEAD"
FOUND = finding(
    "shop/order_0.py", "        share = row.amount / len(rows)", line=14, title="The share of a row is wrong"
)


def main() -> None:
    """Measure and print."""
    logging.disable(logging.CRITICAL)
    with TemporaryDirectory(prefix="quorum-bench-") as name:
        change = make_change(Path(name) / "repository", files=FILES)
        print_figures(asyncio.run(_measure(change, Path(name))))


async def _measure(change: Change, folder: Path) -> list[Figure]:
    return [
        await _size(
            change, PatchSource(change.patch), folder / "a", name="without repository context", target=4.0
        ),
        await _size(
            change,
            GitRangeSource(change.folder, RANGE),
            folder / "b",
            name="with repository context",
            target=6.0,
        ),
        await _repeats(change, folder / "c", name="sequential, three vendors", providers=VENDORS),
        await _repeats(change, folder / "d", name="fallback to one vendor", providers=(Provider.CLAUDE,)),
        await _unchanged(change, folder / "e"),
    ]


async def _size(change: Change, source: Source, folder: Path, *, name: str, target: float) -> Figure:
    lab = Lab(folder=folder, findings=[FOUND])
    await lab.review(source)
    await lab.close()
    sent = sum(len(request.system) + len(request.text) for request in lab.requests_for(verification=False))
    schemas = sum(len(f"{request.schema}") for request in lab.requests_for(verification=False))
    times = sent / len(change.patch)
    return Figure(
        name=f"prompt tokens of all stages, {name}",
        measured=f"{times:.2f} x of {len(change.patch) // CHARACTERS_PER_TOKEN:,} ({(sent + schemas) / len(change.patch):.2f} with schemas)",
        target=f"≤ {target} x the raw patch",
        reached=times <= target,
    )


async def _repeats(change: Change, folder: Path, *, name: str, providers: tuple[Provider, ...]) -> Figure:
    """The share of what requests to a vendor repeat that its prefix cache can serve."""
    lab = Lab(folder=folder, providers=providers, findings=[FOUND])
    await lab.review(GitRangeSource(change.folder, RANGE), config=b"pipeline: sequential\n")
    await lab.close()
    repeated, cacheable = _repeated(lab.vendors.requests)
    share = cacheable / repeated if repeated else 0.0
    return Figure(
        name=f"repeated prompt tokens that are a cached prefix, {name}",
        measured=f"{share:.0%} of {repeated // CHARACTERS_PER_TOKEN:,}",
        target="≥ 70 %",
        reached=share >= 0.7,
    )


def _repeated(requests: list[VendorRequest]) -> tuple[int, int]:
    """Characters in lines that the same model has received before, and those of them in a cached prefix."""
    lines_before: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    prompts_before: defaultdict[tuple[str, str], list[VendorRequest]] = defaultdict(list)
    repeated = cacheable = 0
    for request in requests:
        model = (request.provider, request.model)
        known = lines_before[model]
        lines = request.prompt.split("\n")
        if known:
            repeated += sum(len(line) + 1 for line in lines if line in known)
            cacheable += max(_common_prefix(request, each) for each in prompts_before[model])
        known.update(lines)
        prompts_before[model].append(request)
    return repeated, cacheable


def _common_prefix(request: VendorRequest, before: VendorRequest) -> int:
    """The part that the vendor's cache contains; Anthropic's ends at a breakpoint."""
    if request.provider is Provider.CLAUDE:
        marked = set(request.breakpoints) & set(before.breakpoints)
        return max(map(len, marked), default=0)
    one, other = request.prompt, before.prompt
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


async def _unchanged(change: Change, folder: Path) -> Figure:
    lab = Lab(folder=folder, findings=[FOUND])
    await lab.review(GitRangeSource(change.folder, RANGE))
    first = len(lab.vendors.requests)
    lab.vendors.forget()
    _, report = await lab.review(GitRangeSource(change.folder, RANGE), review_id="r2")
    await lab.close()
    again, tokens = len(lab.vendors.requests), report.usage.input_tokens
    return Figure(
        name="unchanged re-review, whole pipeline",
        measured=f"{again} calls, {tokens} tokens (first: {first} calls)",
        target="0 calls, 0 tokens",
        reached=first > 0 and again == 0 and tokens == 0 and report.findings[0].worth == 8,
    )


if __name__ == "__main__":
    main()
