"""What the first review of a pull request costs, by its size, at list prices and without the vendors' caches: the table in docs/costs.md.

The App runs as a process of its own against stand-ins for the vendors. Input tokens are estimated from the requests that it really
sends; output tokens are the means of the recorded answers in evals/recorded. Every line is new, and each request about
correctness gets one finding, which another vendor confirms. Run: `python -m benchmarks.costs`.
"""

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.clock import utc_now
from app.domain.model_call import Provider, Usage
from app.llm.costs import Prices
from app.llm.router import TokenEstimator, estimate_tokens
from app.settings import Settings
from benchmarks.large_changes import module
from benchmarks.local_deployment import NOTHING, VENDORS, LocalDeployment, answer, deploy_locally
from tests.fakes.vendor_wire import VendorRequest

RECORDED = Path(__file__).parents[1] / "evals" / "recorded" / "three-readers" / "answers.json"
TASKS = {"refute": "verify", "correctness": "review", "security": "security", "documentation": "docs"}
DEFAULTS = {Settings.model_fields[f"quorum_{provider}_model"].default for provider in VENDORS}
SMALL_LINES = 25
FILES = (1, 4, 12, 40)
_CODE = re.compile(r"def (convert_(\d+)_\d+)\b")


def mean_output_tokens() -> dict[str, float]:
    """Mean output tokens of the recorded answers, by task."""
    counts: defaultdict[str, list[int]] = defaultdict(list)
    for each in json.loads(RECORDED.read_text(encoding="utf-8")):
        counts[each["prompt_id"].partition("/")[0]].append(each["output_tokens"])
    return {task: sum(found) / len(found) for task, found in counts.items()}


def say(request: VendorRequest) -> dict[str, Any]:
    """One finding in every request about correctness; the verifier confirms it."""
    found = _CODE.search(request.text)
    if "# Task: correctness" not in request.text or found is None:
        return answer(request)
    finding = {
        "path": f"shop/part_{found[2]}.py", "line": 7, "quote": f"def {found[1]}(name: str, rate: int) -> str:",
        "evidence": "It is called with None.", "rule_id": "null-dereference", "severity": "high",
        "title": "None is not handled", "explanation": "`name.strip()` raises.", "suggestion": None, "pre_existing": False,
    }  # fmt: skip
    return NOTHING | {"findings": [finding]}


async def measure(deployment: LocalDeployment, name: str, change: dict[str, str]) -> str:
    """Review one change; returns its row of the table."""
    deployment.vendors.requests.clear()
    repository = deployment.github.create_repository(f"costs/{name}", {"README.md": "# Shop\n"})
    pull = repository.open_pull(change, title="Add the parts")
    await deployment.deliver()
    await deployment.until_reviewed(pull)
    lines = sum(text.count("\n") for text in change.values())
    return row(len(change), lines, deployment.vendors.requests)


def row(files: int, lines: int, requests: Sequence[VendorRequest]) -> str:
    """The size, and calls, tokens and cost of the requests."""
    outputs, prices, estimator = mean_output_tokens(), Prices(), TokenEstimator()
    cost_usd, tokens = 0.0, {provider: [0, 0] for provider in VENDORS}
    models: dict[Provider, set[str]] = {provider: set() for provider in VENDORS}
    for request in requests:
        provider = Provider(request.provider)
        text_tokens = estimate_tokens(request.prompt, language="python")
        sent = estimator.estimate(text_tokens, provider=provider, model=request.model)
        received = round(outputs[_task(request)])
        usage = Usage(input_tokens=sent, output_tokens=received)
        cost_usd += prices.cost_usd(provider, request.model, usage, at=utc_now()) or 0.0
        models[provider].add(request.model)
        tokens[provider][0] += sent
        tokens[provider][1] += received
    each = " | ".join(
        f"{sent:,} + {received:,}{_by(models[provider] - DEFAULTS)}"
        for provider, (sent, received) in tokens.items()
    )
    return f"| {lines:,} lines in {files} file{'s' if files > 1 else ''} | {len(requests)} | {each} | {cost_usd:.3f} |"


def _by(models: set[str]) -> str:
    """Which models, if not the default ones."""
    return f" by {', '.join(f'`{model}`' for model in sorted(models))}" if models else ""


def _task(request: VendorRequest) -> str:
    return next(task for heading, task in TASKS.items() if f"# Task: {heading}" in request.prompt)


async def main() -> None:
    """Measure every size and print its row."""
    async with deploy_locally() as deployment:
        deployment.vendors.answers = dict.fromkeys(VENDORS, say)
        small = "\n".join(module(0, hits=0).split("\n")[:SMALL_LINES])
        print(await measure(deployment, "small", {"shop/part_0.py": f"{small}\n"}), flush=True)
        for files in FILES:
            change = {f"shop/part_{number}.py": module(number, hits=0) for number in range(files)}
            print(await measure(deployment, f"files-{files}", change), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
