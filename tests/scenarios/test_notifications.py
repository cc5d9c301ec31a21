"""Another system is notified of completed reviews and spent budgets: signed, once, and without any code."""

import base64
import json
import math
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from app.errors import ConfigurationError
from github_sandbox import Fault
from github_sandbox.git import FileContent
from tests.scenarios.conftest import Open
from tests.scenarios.reading import conclusions, take_checks, take_review, take_summary
from tests.scenarios.vendors import finding

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
SETTINGS = {"quorum_notify_url": "https://hooks.example.com/quorum", "quorum_notify_secret": SECRET}
PAY: dict[str, FileContent] = {"pay.py": "def pay(cart, rate):\n    return cart.total / rate\n"}
DIVISION = finding(
    "pay.py",
    "    return cart.total / rate",
    line=2,
    title="A rate of 0 ends in a ZeroDivisionError",
    rule_id="division-by-zero",
)


class Receiver:
    """A system that accepts verified notifications."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.ids: list[str] = []
        self.transport = httpx.MockTransport(self._take)

    def _take(self, request: httpx.Request) -> httpx.Response:
        Webhook(SECRET).verify(request.content, dict(request.headers))
        self.bodies.append(request.content.decode())
        self.ids.append(request.headers["webhook-id"])
        return httpx.Response(204)

    def of(self, kind: str) -> list[dict[str, Any]]:
        read = [json.loads(body) for body in self.bodies]
        return [each["data"] for each in read if each["type"] == kind]


async def test_a_completed_review_is_notified_in_figures_only(opened: Open) -> None:
    receiver = Receiver()
    async with opened(notifications=receiver.transport, **SETTINGS) as world:
        world.vendors.claude.finds(DIVISION)
        pull = world.open_pull(PAY)
        await world.settle()
        take_review(pull)
        take_summary(pull)
        checks = take_checks(pull)
        (review,) = world.reviews()
        (data,) = receiver.of("review.finished")
        assert data["url"] == f"{world.repository.html_url}/pull/1"
    assert (data["repository"], data["pull_request"], data["head_sha"]) == ("octo/shop", 1, pull.head_sha)
    assert (data["review_id"], data["status"], data["trigger"]) == (review.id, "completed", "opened")
    assert data["conclusions"] == conclusions(checks)
    assert data["findings"] == {"critical": 0, "high": 1, "medium": 0, "low": 0, "info": 0}
    assert (data["files"], data["reviewed_files"]) == (1, 1)
    assert data["calls"] == 4
    assert data["cost_usd"] == review.cost_usd
    for word in ("pay.py", "ZeroDivision", "cart", "division-by-zero"):
        assert word not in "".join(receiver.bodies)


async def test_a_failed_review_is_notified(opened: Open) -> None:
    receiver = Receiver()
    async with opened(notifications=receiver.transport, **SETTINGS) as world:
        for path in ("/graphql$", "/pulls/"):
            world.github.faults.inject(Fault.FORBIDDEN, path=path, times=math.inf)
        pull = world.open_pull(PAY)
        await world.settle()
        assert set(conclusions(take_checks(pull)).values()) == {"neutral"}
        assert "the job failed" in world.log.messages.pop()
    (data,) = receiver.of("review.finished")
    assert (data["status"], data["head_sha"], data["files"]) == ("failed", pull.head_sha, 0)
    assert data["conclusions"] == dict.fromkeys(("review", "security", "docs"), "neutral")


async def test_a_spent_budget_is_notified_once_for_all_its_reviews(opened: Open) -> None:
    receiver = Receiver()
    async with opened(
        notifications=receiver.transport, quorum_budget_repository_month_usd=0.0001, **SETTINGS
    ) as world:
        pulls = [world.open_pull({f"pay{n}.py": "def pay(cart):\n    return cart\n"}) for n in range(2)]
        await world.settle()
        for pull in pulls:
            take_review(pull)
            take_summary(pull)
            take_checks(pull)
    (data,) = receiver.of("budget.reached")
    assert (data["budget"], data["limit_usd"], data["repository"]) == (
        "repository_month",
        0.0001,
        "octo/shop",
    )
    assert len(receiver.of("review.finished")) == 2
    assert len(set(receiver.ids)) == len(receiver.ids) == 3


async def test_a_notification_url_without_a_secret_stops_the_server_at_startup(opened: Open) -> None:
    with pytest.raises(ConfigurationError, match="QUORUM_NOTIFY_SECRET"):
        async with opened(quorum_notify_url="https://hooks.example.com"):
            pass
