"""Vendors that also propose and judge fixes. Not a test."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from tests.fakes.vendor_wire import VendorRequest
from tests.scenarios.vendors import BUG, Reviewers, Vendors

Json = dict[str, Any]
SAFE = "total = sum(prices) / max(len(prices), 1)"


def text_edit(path: str = "shop.py", old: str = BUG, new: str = SAFE) -> Json:
    """One edit of an answer."""
    return {"path": path, "old": old, "new": new}


class Fixers(Reviewers):
    """Reviewers that fix what they find: `edits` are the answers of the tries in order, the last one for all others.

    The judges say yes, unless `objections` has one for the next judgment.
    """

    def __init__(self, vendors: Vendors, bugs: dict[str, Json] | None = None) -> None:
        super().__init__(vendors, bugs)
        self.fake = vendors.fake
        self.edits: list[Sequence[Json]] = [[text_edit()]]
        self.sentence = "Return zero for an empty cart"
        self.objections: list[str] = []
        self.asked: list[VendorRequest] = []
        self.judged: list[VendorRequest] = []
        self.before_judging: Callable[[], object] = bool

    def say(self, request: VendorRequest) -> Any:
        if "# Task: fix" in request.text:
            self.asked.append(request)
            edits = self.edits[min(len(self.asked), len(self.edits)) - 1]
            return {"edits": list(edits), "sentence": self.sentence}
        if "# Task: judge a fix" in request.text:
            self.judged.append(request)
            self.before_judging()
            objection = self.objections.pop(0) if self.objections else ""
            return {
                "evidence": objection or "The divisor is never zero now.",
                "removes_defect": not objection,
                "changes_nothing_else": True,
                "breaks_nothing": True,
            }
        return super().say(request)


def patch_in(body: str) -> str:
    """The patch in a fold of a comment."""
    found = re.search(r"^(`{3,})diff\n(.*?\n)\1$", body, re.DOTALL | re.MULTILINE)
    return found[2] if found else ""
