"""A generated change of realistic shape in a real git repository, and the whole pipeline over it with fake vendors.

Other benchmarks use it; it measures nothing itself and never uses the network.
"""

import json
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from app.domain.model_call import Provider
from app.domain.pull_request import Source
from app.domain.review import ReviewReport
from app.gather import Gathered
from app.llm.client import CallScope
from app.main import Network, Program, build_program
from app.pipeline import PipelineOptions, gather_change, review_gathered
from app.pipeline.inputs import Stations
from app.settings import Settings
from tests.fakes.vendor_wire import VendorRequest
from tests.fakes.vendors import BASE_URLS, KEYS, MODELS, FakeVendors

VENDORS = (Provider.CLAUDE, Provider.GPT, Provider.GEMINI)
NOTHING: dict[str, Any] = {
    "findings": [], "verdicts": [], "summary": None, "files": [], "edges": [], "documents": [],
}  # fmt: skip
_CLAIM = re.compile(r'^\{"id": .*\}$', re.MULTILINE)
_GIT = (
    "git",
    "-c",
    "user.name=bench",
    "-c",
    "user.email=bench@example.com",
    "-c",
    "core.hooksPath=/dev/null",
)
_NOUNS = [
    "order",
    "invoice",
    "payment",
    "refund",
    "customer",
    "basket",
    "discount",
    "shipment",
    "voucher",
    "ledger",
    "price",
    "tax",
]
_IMPORTS = "from decimal import Decimal\n\nfrom shop.database import *\n"
_VERBS = ["load", "check", "apply", "render", "merge", "settle", "convert", "archive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Two commits of a repository; `patch` is `git diff` between them."""

    folder: Path
    patch: bytes


def make_change(folder: Path, *, files: int, functions: int = 6, changed: int = 2) -> Change:
    """Build twice as many modules that call each other; the change edits functions in the first `files` and adds one."""
    rng = Random(files)
    names = [f"shop/{_NOUNS[n % len(_NOUNS)]}_{n // len(_NOUNS)}.py" for n in range(2 * files)]
    before = {name: [_function(name, f, rng) for f in range(functions)] for name in names}
    after = {
        name: [_changed(text) if index < changed else text for index, text in enumerate(before[name])]
        + [_function(name, functions, rng)]
        for name in names[:files]
    }
    folder.mkdir(parents=True)
    _git(folder, "init", "-q", "-b", "main")
    _commit(folder, before, "before")
    _commit(folder, after, "after")
    return Change(folder=folder, patch=_git(folder, "diff", "HEAD~1...HEAD"))


def _function(module: str, number: int, rng: Random) -> str:
    stem, verb = Path(module).stem, _VERBS[number % len(_VERBS)]
    other, callee = rng.choice(_NOUNS), rng.choice(_VERBS)
    return (
        f"def {verb}_{stem}_{number}(connection: Connection, {other}_id: int) -> Decimal:\n"
        f'    """Works out what the {other} comes to, in whole cents."""\n'
        f"    rows = connection.execute(SELECT_{other.upper()}, ({other}_id,)).fetchall()\n"
        f"    if not rows:\n        raise LookupError(f\"no {other} {{{other}_id}}\")\n"
        f"    total = Decimal(0)\n    for row in rows:\n        total += row.amount - row.rebate\n"
        f"        if row.currency != SETTLED_IN:\n            total += {callee}_{other}_0(connection, row.id)\n"
        f"    return total.quantize(CENT)\n"
    )  # fmt: skip


def _changed(function: str) -> str:
    """Another loop and another ending."""
    return function.replace(
        "    for row in rows:\n        total += row.amount - row.rebate\n",
        "    for row in sorted(rows, key=lambda row: row.booked_at):\n"
        "        share = row.amount / len(rows)\n        total += share - min(row.rebate, share)\n",
    ).replace("    return total.quantize(CENT)\n", "    return max(total, Decimal(0)).quantize(CENT)\n")


def _commit(folder: Path, files: Mapping[str, Sequence[str]], message: str) -> None:
    for name, functions in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'"""{path.stem} of the shop."""\n\n{_IMPORTS}\n\n' + "\n\n".join(functions))
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", message)


def _git(folder: Path, *arguments: str) -> bytes:
    return subprocess.run([*_GIT, *arguments], cwd=folder, check=True, capture_output=True).stdout


Answer = Callable[[VendorRequest], dict[str, Any]]


@dataclass(kw_only=True)
class Lab:
    """Quorum over fake vendors and a database in `folder`; the review stage answers with `findings`."""

    folder: Path
    providers: Sequence[Provider] = VENDORS
    findings: Sequence[Mapping[str, Any]] = ()
    vendors: FakeVendors = field(default_factory=FakeVendors)
    program: Program = field(init=False)

    def __post_init__(self) -> None:
        self.vendors.answers = dict.fromkeys(VENDORS, self._answer)
        self.program = build_program(
            Settings.model_validate(_settings(self.folder, self.providers)),
            network=Network(models=self.vendors.http_client()),
        )

    async def review(
        self, source: Source, *, config: bytes = b"", review_id: str = "r1"
    ) -> tuple[Gathered, ReviewReport]:
        """Run the pipeline from gathering to the settled report."""
        services = self.program.services
        scope = CallScope(installation_id=1, repository="bench/shop", pull_request=1, review_id=review_id)
        options = PipelineOptions(scope=scope)
        gathered = await gather_change(source, options, services, configuration=config)
        return gathered, await review_gathered(options, gathered, services, stations=Stations(review_id))

    def requests_for(self, *, verification: bool) -> list[VendorRequest]:
        """The requests that verify, or the others."""
        return [each for each in self.vendors.requests if is_verification(each) is verification]

    async def close(self) -> None:
        """Close the program."""
        await self.program.close()

    def _answer(self, request: VendorRequest) -> dict[str, Any]:
        if is_verification(request):
            claims = [json.loads(claim)["id"] for claim in _CLAIM.findall(request.text)]
            return NOTHING | {
                "verdicts": [
                    {"id": each, "verdict": "confirmed", "evidence": "It is reached.", "worth": 8}
                    for each in claims
                ]
            }
        if "# Task: correctness" in request.text:
            return NOTHING | {"findings": list(self.findings)}
        return NOTHING | {"summary": "Reworks how totals are made."}


def is_verification(request: VendorRequest) -> bool:
    """Whether a request asks a verifier about claims."""
    return "# Task: refute" in request.text


def finding(
    path: str, quote: str, *, line: int, rule_id: str = "logic-error", title: str = "The total is wrong"
) -> dict[str, Any]:
    """A finding as a model answers it."""
    return {
        "path": path, "line": line, "quote": quote, "evidence": "Followed the value.", "rule_id": rule_id,
        "severity": "high", "title": title, "explanation": f"{title} here.", "suggestion": None, "pre_existing": False,
    }  # fmt: skip


def _settings(folder: Path, providers: Sequence[Provider]) -> dict[str, Any]:
    keys = {
        Provider.CLAUDE: "anthropic_api_key",
        Provider.GPT: "openai_api_key",
        Provider.GEMINI: "gemini_api_key",
    }
    urls = {
        Provider.CLAUDE: "anthropic_base_url", Provider.GPT: "openai_base_url", Provider.GEMINI: "google_gemini_base_url",
    }  # fmt: skip
    settings: dict[str, Any] = {"quorum_data_dir": folder}
    for provider in VENDORS:
        settings[f"quorum_{provider}_model"] = MODELS[provider].large
        settings[f"quorum_{provider}_small_model"] = MODELS[provider].small
    for provider in providers:
        settings |= {keys[provider]: KEYS[provider], urls[provider]: BASE_URLS[provider]}
    return settings


def read_files(folder: Path, commit: str) -> dict[str, str]:
    """Path → text of every file of a commit."""
    names = _git(folder, "ls-tree", "-r", "--name-only", commit).decode().split()
    return {name: _git(folder, "show", f"{commit}:{name}").decode() for name in names}
