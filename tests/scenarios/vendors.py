"""The three vendors of a scenario, in a person's words: Claude finds this, GPT is down. Not a test.

Requests reach the strict fake through the real SDKs. A vendor confirms what it is asked to verify unless it refutes it.
"""

import asyncio
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain.finding import Stage
from app.domain.model_call import Provider
from tests.fakes.vendor_wire import VendorRequest
from tests.fakes.vendors import FakeVendors, Fault, emptiest

Json = dict[str, Any]
TASKS = {
    "# Task: correctness": "review",
    "# Task: security": "security",
    "# Task: documentation": "docs",
    "# Task: refute": "verify",
}
_CLAIM = re.compile(r'^\{"id": .*\}$', re.MULTILINE)
BUG = "total = sum(prices) / len(prices)"
_NUMBERED = re.compile(r"^(\d+)[+|](.*)$", re.MULTILINE)
EVIDENCE = "The value reaches the query unchanged."
NOTHING: Json = {
    "lookups": [],
    "findings": [],
    "verdicts": [],
    "summary": None,
    "files": [],
    "edges": [],
    "documents": [],
}


def finding(
    path: str,
    quote: str,
    *,
    line: int = 1,
    title: str = "The total of an empty cart is wrong",
    severity: str = "high",
    rule_id: str = "logic-error",
    suggestion: str | None = None,
) -> Json:
    """A finding as a model answers it."""
    return {
        "path": path,
        "line": line,
        "quote": quote,
        "evidence": "Followed the value from the caller.",
        "rule_id": rule_id,
        "severity": severity,
        "title": title,
        "explanation": f"{title}. Nothing stands between.",
        "suggestion": suggestion,
        "pre_existing": False,
    }


def task_of(request: VendorRequest) -> str:
    """Return review, security, docs or verify."""
    return next(task for heading, task in TASKS.items() if heading in request.text)


@dataclass(kw_only=True)
class Vendor:
    """One vendor. It answers every stage with `findings`, and the docs stage with `documents` and `remarks`."""

    provider: Provider
    fake: FakeVendors
    findings: list[Json] = field(default_factory=list[Json])
    remarks: list[Json] = field(default_factory=list[Json])
    documents: list[Json] = field(default_factory=list[Json])
    summary: str = "Adds a way to pay."
    _refuted: dict[str, str] = field(default_factory=dict[str, str])

    def finds(self, *findings: Json) -> None:
        """Answer review and security with these findings from now on."""
        self.findings = list(findings)

    def documents_as(self, summary: str, *documents: Json, findings: Sequence[Json] = ()) -> None:
        """Answer the docs stage with this."""
        self.summary, self.documents, self.remarks = summary, list(documents), list(findings)

    def refutes(self, title: str, *, because: str = "The caller checks it.") -> None:
        """Refute the claim with this title."""
        self._refuted[title] = because

    def refuses(self) -> None:
        """Decline to answer, in the vendor's own way."""
        self.fake.fail(self.provider, Fault.REFUSED)

    def is_down(self) -> None:
        """Respond to every request with a 500."""
        self.fake.fail(self.provider, Fault.SERVER_ERROR)

    def rejects_its_key(self) -> None:
        """Respond to every request with a 401."""
        self.fake.fail(self.provider, Fault.BAD_KEY)

    def recovers(self) -> None:
        """Stop failing."""
        self.fake.heal(self.provider)

    def requests_for(self, task: str | None = None) -> list[VendorRequest]:
        """The requests it received, of one task or of all."""
        return [
            request for request in self.fake.requests_to(self.provider) if task in (None, task_of(request))
        ]

    def answer(self, request: VendorRequest) -> Json:
        """Answer one request, in the schema of all prompts."""
        task = task_of(request)
        if task == "verify":
            return NOTHING | {
                "verdicts": [self._judge(json.loads(claim)) for claim in _CLAIM.findall(request.text)]
            }
        if task == Stage.DOCS:
            said = {"summary": self.summary, "documents": self.documents, "findings": self.remarks}
            return NOTHING | said
        return NOTHING | {"findings": self.findings}

    def _judge(self, claim: Json) -> Json:
        reason = self._refuted.get(claim["claim"])
        judged = (
            {"verdict": "refuted", "evidence": reason, "worth": 0}
            if reason
            else {
                "verdict": "confirmed",
                "evidence": EVIDENCE,
                "worth": 8,
            }
        )
        return {"id": claim["id"], **judged}


class Vendors:
    """All three vendors. `hold` keeps their answers back until `release`; `requests` has what was asked meanwhile."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._asked = asyncio.Condition()
        self.fake = FakeVendors(sleep=self._wait)
        self.claude, self.gpt, self.gemini = (
            Vendor(provider=provider, fake=self.fake)
            for provider in (Provider.CLAUDE, Provider.GPT, Provider.GEMINI)
        )
        for vendor in self:
            self.fake.answers[vendor.provider] = vendor.answer

    def __iter__(self) -> Any:
        return iter((self.claude, self.gpt, self.gemini))

    async def _wait(self, seconds: float) -> None:
        async with self._asked:
            self._asked.notify_all()
        if seconds:
            await self._open.wait()

    def hold(self, *providers: Provider) -> None:
        """Keep back the answers of these providers, or of all."""
        self._open.clear()
        self.fake.delay_s = dict.fromkeys(providers or [vendor.provider for vendor in self], math.inf)

    def release(self) -> None:
        """Send the answers that were kept back, and answer immediately from now on."""
        self.fake.delay_s = {}
        self._open.set()

    async def wait_for_requests(self, times: int) -> None:
        """Wait until this many requests have arrived."""
        async with self._asked:
            await self._asked.wait_for(lambda: len(self.requests) >= times)

    @property
    def requests(self) -> list[VendorRequest]:
        """All requests, in order."""
        return self.fake.requests


def a_finding(**given: Any) -> dict[str, Any]:
    """A finding as a model answers it."""
    return {
        "path": "shop.py",
        "line": 1,
        "quote": BUG,
        "evidence": "prices may be empty",
        "rule_id": "other",
        "severity": "high",
        "title": "An empty cart crashes, because the number of prices is the divisor",
        "explanation": "With no prices the division fails.",
        "suggestion": None,
        "pre_existing": False,
    } | given


class Reviewers:
    """Vendors with a fixed behavior: Claude reports what `bugs` names wherever it sees it, GPT confirms, Gemini documents."""

    def __init__(self, vendors: "Vendors", bugs: Mapping[str, dict[str, Any]] | None = None) -> None:
        self.bugs = dict(bugs if bugs is not None else {BUG: {}})
        self.fixed = "refuted"  # the verdict on changed code
        self.intent = "general"
        self.answer = "It is so."
        self.withdraws = False
        self.worth = 8
        for provider in (Provider.CLAUDE, Provider.GPT, Provider.GEMINI):
            vendors.fake.answers[provider] = self.say

    def say(self, request: VendorRequest) -> Any:
        value: dict[str, Any] = emptiest(request)
        if "intent" in value:
            return value | {"intent": self.intent}
        if "withdraws" in value:
            return value | {"answer": self.answer, "withdraws": self.withdraws}
        if "answer" in value:
            return value | {"answer": self.answer}
        value["summary"] = "It changes the shop."
        if "# Task: is it still wrong" in request.text:
            value["verdicts"] = self._verdicts(request, self.fixed)
        elif "# Task: refute" in request.text:
            value["verdicts"] = self._verdicts(request, "confirmed")
        elif "# Task: correctness" in request.text:
            value["findings"] = list(self._found(request))
        return value

    def _found(self, request: VendorRequest) -> list[dict[str, Any]]:
        diff = request.text.partition("# Task")[0]
        files = re.split(r"^=== (\S+) \(", diff, flags=re.MULTILINE)[1:]
        found: list[dict[str, Any]] = []
        for path, text in zip(files[::2], files[1::2], strict=True):
            for number, line in _NUMBERED.findall(text):
                found += [
                    a_finding(path=path, line=int(number), quote=quote) | more
                    for quote, more in self.bugs.items()
                    if quote in line
                ]
        return found

    def _verdicts(self, request: VendorRequest, verdict: str) -> list[dict[str, Any]]:
        ids = re.findall(r'"id": "(c\d+)"', request.text)
        return [
            {"id": id_, "evidence": "The code says so.", "verdict": verdict, "worth": self.worth}
            for id_ in dict.fromkeys(ids)
        ]
