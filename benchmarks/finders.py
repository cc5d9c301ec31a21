"""What a second finder and look-ups cost: billed prompt tokens, calls to GitHub, and wall time, compared with a plain review.

    python -m benchmarks.finders

Tokens come from the pipeline over a real git repository, with fake vendors that count like their prefix caches. Calls and
times come from the App as a process of its own, with models that take 20 s.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlmodel import select

from app.domain.model_call import Provider, Usage
from app.github.local import GitRangeSource
from app.llm.costs import Prices
from app.store.call_tables import ModelCallRow
from app.store.database import Database
from benchmarks.change import NOTHING, VENDORS, Change, Lab, finding, make_change
from benchmarks.figures import Figure, print_figures
from benchmarks.local_deployment import FILES, FINDING, LocalDeployment, answer, deploy_locally, small_change
from tests.fakes.vendor_wire import VendorRequest

CHANGED_FILES = 12
MODELS_S = 20.0
POLL_S, AFTERWARDS_S = 0.05, 2.0  # until the job has ended after its last comment
MAX_TOKENS, MAX_WALL = 1.7, 1.2  # times a review with one finder
WANTED = {"kind": "definition", "name": "total", "path": None, "start_line": None, "end_line": None}
SHARE = "        share = row.amount / len(rows)"
FOUND = [
    finding(f"shop/{name}_0.py", SHARE, line=14, title=f"The share is wrong in {name}")
    for name in ("order", "refund")
]
FOUND_LOCALLY = [
    FINDING,
    finding("shop/search.py", "    return FIELDS[name]", line=32, title="An unknown field raises"),
]

Answer = Callable[[VendorRequest], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A kind of review."""

    name: str
    finders: int = 1
    looks: bool = False

    def answering(self, inner: Answer, found: Sequence[Mapping[str, Any]]) -> Answer:
        """The models' answers: one finder finds both defects, each of two finds one; who may look things up does so once."""

        def say(request: VendorRequest) -> dict[str, Any]:
            if self.looks and "Look-ups: " in request.text and "<looked_up-" not in request.text:
                return NOTHING | {"lookups": [WANTED]}
            if "# Task: correctness" not in request.text:
                return inner(request)
            own = found[1:] if request.provider is Provider.GPT else found[: 1 if self.finders > 1 else 2]
            return NOTHING | {"findings": list(own)}

        return say


PLAIN = Variant(name="one finder")
VARIANTS = (PLAIN, Variant(name="two finders", finders=2), Variant(name="one look-up each", looks=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one review took."""

    billed_tokens: float
    model_calls: int
    github_calls: int
    wall_s: float


async def measure() -> list[Figure]:
    """Review the same changes in every variant."""
    with TemporaryDirectory(prefix="quorum-bench-") as name:
        change = make_change(Path(name) / "repository", files=CHANGED_FILES)
        tokens = {each: await _tokens(change, Path(name) / each.name, each) for each in VARIANTS}
    async with deploy_locally() as deployment:
        await _review(deployment, PLAIN, 0)  # loads the SDKs
        deployment.vendors.delay_s = dict.fromkeys(VENDORS, MODELS_S)
        taken = {each: await _review(deployment, each, place) for place, each in enumerate(VARIANTS, 1)}
    costs = {
        each: Cost(
            billed_tokens=tokens[each][0],
            model_calls=tokens[each][1],
            github_calls=taken[each][0],
            wall_s=taken[each][1],
        )
        for each in VARIANTS
    }
    return [figure for each in VARIANTS[1:] for figure in _figures(each, costs[each], costs[PLAIN])]


async def _tokens(change: Change, folder: Path, variant: Variant) -> tuple[float, int]:
    """Prompt tokens of one review, cached ones at their price, and the number of its model calls."""
    lab = Lab(folder=folder)
    lab.vendors.answers = {
        provider: variant.answering(inner, FOUND) for provider, inner in lab.vendors.answers.items()
    }
    config = f"finders: {variant.finders}\n".encode()
    await lab.review(GitRangeSource(change.folder, "HEAD~1...HEAD"), config=config)
    await lab.close()
    with Database(f"sqlite:///{folder}/quorum.db").read() as session:
        rows = list(session.exec(select(ModelCallRow)).all())
        return sum(map(_billed, rows)), len(rows)


def _billed(row: ModelCallRow) -> float:
    """The prompt of a call in tokens at the full price."""
    prices, provider = Prices(), Provider(row.provider)

    def usd(usage: Usage) -> float:
        return prices.cost_usd(provider, row.model, usage, at=row.started_at) or 0.0

    answered_usd = usd(Usage(output_tokens=row.output_tokens or 0))
    return ((row.cost_usd or 0.0) - answered_usd) / usd(Usage(input_tokens=1_000)) * 1_000


async def _review(deployment: LocalDeployment, variant: Variant, number: int) -> tuple[int, float]:
    """Calls to GitHub, without git and tokens, and the seconds from the webhook to the last check run."""
    deployment.vendors.answers = dict.fromkeys(VENDORS, variant.answering(answer, FOUND_LOCALLY))
    files = FILES | {".github/quorum.yml": f"finders: {variant.finders}\n"}
    repository = deployment.github.create_repository(f"bench-{number}/shop", files)
    pull = repository.open_pull(small_change(number), title=f"Add the mean and the search, {number}")
    deployment.github.requests.clear()
    started_s = time.monotonic()
    await deployment.deliver()
    ended_s = await deployment.until_reviewed(pull)
    while not pull.issue_comments:  # noqa: ASYNC110 - the summary comes last, and the stand-in has no event for it
        await asyncio.sleep(POLL_S)
    await asyncio.sleep(AFTERWARDS_S)
    calls = [each for each in deployment.github.requests if each.path.startswith(f"/repos/bench-{number}/")]
    queries = [each for each in deployment.github.requests if each.operation]
    return len([each for each in calls if not each.operation]) + len(queries), ended_s - started_s


def _figures(variant: Variant, cost: Cost, plain: Cost) -> list[Figure]:
    has_bars = variant.finders > 1
    tokens, wall = cost.billed_tokens / plain.billed_tokens, cost.wall_s / plain.wall_s
    return [
        Figure(
            name=f"billed prompt tokens, {variant.name}",
            measured=f"{tokens:.2f} x of {plain.billed_tokens:,.0f} ({cost.model_calls} calls, not {plain.model_calls})",
            target=f"≤ {MAX_TOKENS} x of one finder" if has_bars else "none",
            reached=tokens <= MAX_TOKENS if has_bars else None,
        ),
        Figure(
            name=f"calls to GitHub, {variant.name}",
            measured=f"{cost.github_calls} (one finder: {plain.github_calls})",
            target="as many as with one finder" if has_bars else "none",
            reached=cost.github_calls == plain.github_calls if has_bars else None,
        ),
        Figure(
            name=f"webhook to last check run, {variant.name}, models take {MODELS_S:.0f} s",
            measured=f"{cost.wall_s:.1f} s, {wall:.2f} x of {plain.wall_s:.1f} s",
            target=f"≤ {MAX_WALL} x of one finder" if has_bars else "none",
            reached=wall <= MAX_WALL if has_bars else None,
        ),
    ]


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print_figures(asyncio.run(measure()))
