from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from app.domain.job import Delivery
from app.github.auth import RESOLVE_PERMISSIONS, REVIEW_PERMISSIONS
from tests.unit.repository.files import read_yaml
from webhooks.events import decide
from webhooks.triggers import Ignored, Rules

MANIFEST: dict[str, Any] = read_yaml("app.yml")
# https://docs.github.com/en/webhooks/webhook-events-and-payloads
NEEDS = {
    "pull_request": "pull_requests",
    "pull_request_review": "pull_requests",
    "pull_request_review_comment": "pull_requests",
    "pull_request_review_thread": "pull_requests",
    "issue_comment": "issues",
    "check_run": "checks",
    "check_suite": "checks",
    "merge_group": "merge_queues",
    "repository": "metadata",
}
# Sent to every App without a subscription: https://docs.github.com/en/webhooks/webhook-events-and-payloads#installation
ALWAYS_SENT = {"installation", "installation_repositories", "ping"}


def is_needed(event: str) -> bool:
    """Whether the receiver uses the event."""
    delivery = Delivery(guid="g", event=event, action=None, received_at=datetime.now(UTC))
    try:
        decision = decide(delivery, {}, Rules(redact=str))
    except ValidationError:
        return True
    return not (isinstance(decision, Ignored) and "does not use the event" in decision.reason)


@pytest.mark.parametrize("event", MANIFEST["default_events"])
def test_the_app_subscribes_only_to_needed_and_permitted_events(event: str) -> None:
    assert is_needed(event)
    assert NEEDS[event] in MANIFEST["default_permissions"]


@pytest.mark.parametrize("event", sorted(NEEDS))
def test_the_app_subscribes_to_every_needed_event(event: str) -> None:
    assert is_needed(event) == (event in MANIFEST["default_events"])


def test_events_that_need_no_subscription_are_not_subscribed_to() -> None:
    assert not ALWAYS_SENT & set(MANIFEST["default_events"])


def test_the_app_requests_exactly_the_permissions_of_its_tokens() -> None:
    requested: dict[str, str] = MANIFEST["default_permissions"]
    for_events = {NEEDS[event]: "read" for event in MANIFEST["default_events"]}
    assert requested == for_events | dict(REVIEW_PERMISSIONS)


def test_resolving_threads_requires_one_more_optional_permission() -> None:
    requested: dict[str, str] = MANIFEST["default_permissions"]
    assert {name for name, level in RESOLVE_PERMISSIONS.items() if requested[name] != level} == {"contents"}


def test_the_app_is_private_and_its_hook_has_a_reserved_host() -> None:
    assert MANIFEST["public"] is False
    hook: dict[str, Any] = MANIFEST["hook_attributes"]
    address = urlsplit(str(hook["url"]))
    # GitHub logs deliveries only for an active hook, and polling reads that log:
    # https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/troubleshooting-webhooks
    assert hook["active"] is True
    assert address.hostname == "quorum.invalid"  # https://www.rfc-editor.org/rfc/rfc6761#section-6.4
    assert address.path == "/webhooks/github"
