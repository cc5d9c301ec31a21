"""The three vendors of a scenario, spoken of as a person would: Claude finds this, GPT is down. Not a test.

What comes in is the strict fake's: real SDKs, real wire. A vendor confirms what it is asked to verify unless it refutes it.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain.finding import Stage
from app.domain.model_call import Provider
from tests.fakes.vendor_wire import Asked
from tests.fakes.vendors import FakeVendors, Fault

Json = dict[str, Any]
TASKS = {
    "# Task: correctness": "review",
    "# Task: security": "security",
    "# Task: documentation": "docs",
    "# Task: refute": "verify",
}
_CLAIM = re.compile(r'^\{"id": .*\}$', re.MULTILINE)
EVIDENCE = "The value reaches the query unchanged."
NOTHING: Json = {"findings": [], "verdicts": [], "summary": None, "files": [], "edges": [], "documents": []}


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


def task_of(asked: Asked) -> str:
    """review, security, docs or verify."""
    return next(task for heading, task in TASKS.items() if heading in asked.text)


@dataclass(kw_only=True)
class Vendor:
    """One vendor. `findings` are given to every stage that asks it; those of `docs` apart."""

    provider: Provider
    fake: FakeVendors
    findings: list[Json] = field(default_factory=list[Json])
    remarks: list[Json] = field(default_factory=list[Json])
    documents: list[Json] = field(default_factory=list[Json])
    summary: str = "Adds a way to pay."
    _refuted: dict[str, str] = field(default_factory=dict[str, str])

    def finds(self, *findings: Json) -> None:
        """Whoever asks it to review or to scan hears this from now on."""
        self.findings = list(findings)

    def documents_as(self, summary: str, *documents: Json, findings: Sequence[Json] = ()) -> None:
        """What it answers where it is asked for documentation."""
        self.summary, self.documents, self.remarks = summary, list(documents), list(findings)

    def refutes(self, title: str, *, because: str = "The caller checks it.") -> None:
        """It refutes the claim with this title."""
        self._refuted[title] = because

    def refuses(self) -> None:
        """It declines to answer, in its own way."""
        self.fake.fail(self.provider, Fault.REFUSED)

    def is_down(self) -> None:
        """Every request meets a 500."""
        self.fake.fail(self.provider, Fault.SERVER_ERROR)

    def rejects_its_key(self) -> None:
        """Every request meets a 401."""
        self.fake.fail(self.provider, Fault.BAD_KEY)

    def recovers(self) -> None:
        """No more faults."""
        self.fake.heal(self.provider)

    def asked(self, task: str | None = None) -> list[Asked]:
        """What it was asked, of one task or of all."""
        return [asked for asked in self.fake.asked(self.provider) if task in (None, task_of(asked))]

    def answer(self, asked: Asked) -> Json:
        """The answer to one request, in the schema of all prompts."""
        task = task_of(asked)
        if task == "verify":
            return NOTHING | {
                "verdicts": [self._judge(json.loads(claim)) for claim in _CLAIM.findall(asked.text)]
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
    """All of them. `hold` keeps their answers back until `release`: what was asked meanwhile stands in `requests`."""

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

    async def _wait(self, _: float) -> None:
        async with self._asked:
            self._asked.notify_all()
        await self._open.wait()

    def hold(self) -> None:
        """Answer nobody for now."""
        self._open.clear()

    def release(self) -> None:
        """Answer everybody who waits, and from now on at once."""
        self._open.set()

    async def are_asked(self, times: int) -> None:
        """Wait until so many requests have come in altogether."""
        async with self._asked:
            await self._asked.wait_for(lambda: len(self.requests) >= times)

    @property
    def requests(self) -> list[Asked]:
        """All that was asked, in order."""
        return self.fake.requests
