"""The stand-in's webhooks have no key that GitHub's own examples lack, and have every key that all of them have."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from github_sandbox import Anchor, GitHubSandbox
from tests.contracts.vendoring import DATA

# Not in an example, but documented: https://docs.github.com/en/webhooks/webhook-events-and-payloads and, for comments on
# pull requests, https://docs.github.com/en/rest/issues/comments
DOCUMENTED = frozenset(
    {
        ("app", "client_id"),
        ("installation", "client_id"),
        ("issue", "state_reason"),
        ("comment", "subject_type"),
    }
)
# In all examples of an event, but not in every repository, hook or account.
OPTIONAL = frozenset(
    {"stargazers", "master_branch", "ping_url", "deliveries_url", "last_response", "test_url", "organization"}
)
DEPTH = 3


@cache
def examples() -> Mapping[str, list[dict[str, Any]]]:
    return json.loads((DATA / "webhooks-examples.json").read_text(encoding="utf-8"))


def keys(value: Any, depth: int = DEPTH, where: str = "") -> Iterator[str]:
    """The paths of all keys down to a depth; null and empty values say nothing about their content."""
    if isinstance(value, dict) and depth:
        rows: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType] - an object of JSON
        for name, inner in rows.items():
            yield f"{where}/{name}"
            yield from keys(inner, depth - 1, f"{where}/{name}")


def everything_that_can_happen(root: Path) -> list[dict[str, Any]]:
    """One of each kind of delivery, as (event, payload)."""
    sandbox = GitHubSandbox(root)
    repository = sandbox.create_repository("acme/payments", {"a.py": "one\ntwo\n"})
    installation = sandbox.installation_on("acme/payments")
    assert installation is not None
    installation.events = (*installation.events, "merge_group", "push")
    pull = repository.open_pull({"a.py": "one\n2\n"}, body="why")
    pull.push({"b.py": "x\n"})
    comment = pull.comment("bob", "hello")
    pull.edit_comment("bob", comment, "hello again")
    pull.review("bob", "look", [(Anchor(path="a.py", line=2), "here")])
    pull.resolve("bob", pull.threads[0])
    action = {"label": "Again", "description": "Again", "identifier": "again"}
    run = repository.create_check_run({"name": "n", "head_sha": pull.head_sha, "actions": [action]})
    repository.update_check_run(run, {"conclusion": "neutral"})
    repository.rerequest(run)
    repository.request_action(run, "again")
    repository.rerequest_suite(pull.head_sha)
    repository.queue_merge([pull])
    pull.mark_ready()
    pull.close()
    sandbox.suspend(installation)
    sandbox.select_repositories(installation, [])
    sandbox.ping()
    return [{"event": d.event, "action": d.action, "payload": json.loads(d.body)} for d in sandbox.hook.queue]


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return everything_that_can_happen(tmp_path_factory.mktemp("github"))


EVENTS = (
    "pull_request", "issue_comment", "pull_request_review", "pull_request_review_comment",
    "pull_request_review_thread", "check_run", "check_suite", "merge_group", "push", "installation",
    "installation_repositories", "ping",
)  # fmt: skip


def test_every_event_of_the_stand_in_is_checked(deliveries: list[dict[str, Any]]) -> None:
    assert {d["event"] for d in deliveries} == set(EVENTS)


def pairs(paths: Iterable[str]) -> set[tuple[str, str]]:
    """Each key with its parent key."""
    return {(parent, name) for *_, parent, name in (path.split("/") for path in paths) if parent}


@cache
def known() -> set[tuple[str, str]]:
    every = (example for rows in examples().values() for example in rows)
    return {pair for example in every for pair in pairs(keys(example, 5))}


@pytest.mark.parametrize("event", EVENTS)
def test_no_key_is_invented(deliveries: list[dict[str, Any]], event: str) -> None:
    for delivery in (d for d in deliveries if d["event"] == event):
        assert pairs(keys(delivery["payload"])) - known() - DOCUMENTED == set(), delivery["action"]


def shared_keys(rows: Sequence[dict[str, Any]]) -> set[str]:
    """The keys that all of these examples have."""
    shared = set(keys(rows[0], 2)) if rows else set[str]()
    for row in rows:
        shared &= set(keys(row, 2))
    return shared


@pytest.mark.parametrize("event", EVENTS)
def test_no_key_that_every_example_has_is_missing(deliveries: list[dict[str, Any]], event: str) -> None:
    for delivery in (d for d in deliveries if d["event"] == event):
        fitting = [e for e in examples()[event] if e.get("action") == delivery["action"]]
        missing = shared_keys(fitting) - set(keys(delivery["payload"], 2))
        assert {key for key in missing if key.rsplit("/", 1)[-1] not in OPTIONAL} == set(), delivery["action"]
