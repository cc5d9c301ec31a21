"""Deliveries as GitHub sends them, with only the necessary fields. Not a test."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from app.domain.job import Delivery

SECRET = "a-secret-of-the-tests"
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
HEAD, BEFORE = "a" * 40, "b" * 40
Json = dict[str, Any]


def sign(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def delivery(event: str, guid: str = "guid-1", action: str | None = None) -> Delivery:
    return Delivery(guid=guid, event=event, action=action, received_at=NOW)


def common(action: str, **more: Any) -> Json:
    return {
        "action": action,
        "repository": {"id": 1, "full_name": "octo/shop", "owner": {"login": "octo"}},
        "sender": {"login": "mona", "id": 583231, "type": "User"},
        "installation": {"id": 77},
        **more,
    }


def pull_request(action: str, **more: Any) -> Json:
    pull = {
        "number": 7,
        "state": "closed" if action == "closed" else "open",
        "draft": False,
        "merged": False,
        "head": {"sha": HEAD, "ref": "feature"},
        "base": {"sha": BEFORE, "ref": "main"},
    }
    return common(action, number=7, pull_request=pull, **more)


def issue_comment(
    body: str, *, action: str = "created", user: Json | None = None, on_pull: bool = True
) -> Json:
    issue: Json = {"number": 7}
    if on_pull:
        issue["pull_request"] = {"url": "https://api.github.com/repos/octo/shop/pulls/7"}
    comment = {"id": 991, "body": body, "user": user or {"login": "mona", "id": 583231, "type": "User"}}
    return common(action, issue=issue, comment=comment)


def review_comment(body: str, **more: Any) -> Json:
    comment = {"id": 992, "body": body, "user": {"login": "mona", "id": 583231, "type": "User"}, **more}
    return common("created", comment=comment, pull_request={"number": 7, "head": {"sha": HEAD}})


def check_run(
    action: str,
    *,
    name: str = "quorum/security",
    external_id: str | None = None,
    app_id: int = 3,
    **more: Any,
) -> Json:
    run: Json = {
        "id": 55,
        "app": {"id": app_id},
        "name": name,
        "head_sha": HEAD,
        "external_id": external_id or f"octo/shop#7@{HEAD}",
        "pull_requests": [],
    }
    return common(action, check_run=run, **more)


def encoded(body: Json) -> bytes:
    return json.dumps(body).encode()
