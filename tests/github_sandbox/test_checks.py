"""Check runs and their limits.

https://docs.github.com/en/rest/checks/runs
"""

from typing import Any

import httpx
import pytest

from tests.contracts.guard import OpenApiGuard
from tests.github_sandbox.conftest import SandboxHarness


@pytest.fixture
def lax(world: SandboxHarness) -> SandboxHarness:
    """Requests over a limit also break the description; here the stand-in itself must reject them."""
    transport = OpenApiGuard(raises=False).wrap(world.sandbox.transport())
    world.http = httpx.AsyncClient(transport=transport, base_url="https://api.github.com")
    return world


def run(world: SandboxHarness, **more: Any) -> dict[str, Any]:
    return {"name": "quorum/review", "head_sha": world.pull.head_sha, **more}


def output(**more: Any) -> dict[str, Any]:
    return {"title": "Title", "summary": "Summary", **more}


def annotations(count: int, **more: Any) -> list[dict[str, Any]]:
    one = {"path": "pay.py", "start_line": 5, "end_line": 5, "annotation_level": "warning", "message": "look"}
    return [{**one, **more} for _ in range(count)]


async def create(world: SandboxHarness, **more: Any) -> httpx.Response:
    return await world.request("POST", "/check-runs", run(world, **more))


async def test_each_request_appends_annotations(world: SandboxHarness) -> None:
    made = (await create(world, output=output(annotations=annotations(50)))).json()
    body = {"output": output(annotations=annotations(20))}
    changed = await world.request("PATCH", f"/check-runs/{made['id']}", body)
    assert changed.json()["output"]["annotations_count"] == 70
    listed = await world.request("GET", f"/check-runs/{made['id']}/annotations", params={"per_page": 100})
    assert len(listed.json()) == 70


async def test_more_than_50_annotations_are_rejected(lax: SandboxHarness) -> None:
    answer = await create(lax, output=output(annotations=annotations(51)))
    assert answer.status_code == 422
    assert "No more than 50 items are allowed; 51 were supplied." in answer.json()["message"]


@pytest.mark.parametrize("field", ["summary", "text"])
async def test_summary_and_text_have_at_most_65535_characters(lax: SandboxHarness, field: str) -> None:
    assert (await create(lax, output=output(**{field: "x" * 65_535}))).status_code == 201
    assert (await create(lax, output=output(**{field: "x" * 65_536}))).status_code == 422


@pytest.mark.parametrize(
    "wrong",
    [
        {"message": "x" * 65_537},
        {"title": "x" * 256},
        {"raw_details": "x" * 65_537},
        {"annotation_level": "error"},
        {"start_line": 6},
        {"end_line": 6, "start_column": 1, "end_column": 2},
        {"path": None},
    ],
)
async def test_an_invalid_annotation_is_rejected(lax: SandboxHarness, wrong: dict[str, Any]) -> None:
    assert (await create(lax, output=output(annotations=annotations(1, **wrong)))).status_code == 422


ACTION = {"label": "l" * 20, "description": "d" * 40, "identifier": "i" * 20}


@pytest.mark.parametrize(
    "actions",
    [[ACTION] * 4, *([{**ACTION, key: value + "x"}] for key, value in ACTION.items()), [{"label": "only"}]],
)
async def test_a_check_run_has_at_most_three_actions_of_limited_length(
    lax: SandboxHarness, actions: list[dict[str, str]]
) -> None:
    assert (await create(lax, actions=[ACTION] * 3)).status_code == 201
    assert (await create(lax, actions=actions)).status_code == 422


async def test_completed_requires_a_conclusion_and_a_conclusion_implies_completed(
    lax: SandboxHarness,
) -> None:
    assert (await create(lax, status="completed")).status_code == 422
    made = (await create(lax, conclusion="neutral")).json()
    assert (made["status"], made["completed_at"]) == ("completed", "2026-09-21T14:13:20Z")


async def test_clients_cannot_set_stale(lax: SandboxHarness) -> None:
    assert (await create(lax, conclusion="stale")).status_code == 422


async def test_an_unknown_commit_is_rejected(world: SandboxHarness) -> None:
    answer = await world.request("POST", "/check-runs", {"name": "n", "head_sha": "0" * 40})
    assert (answer.status_code, answer.json()["message"]) == (422, f"No commit found for SHA: {'0' * 40}")


async def test_output_requires_title_and_summary(lax: SandboxHarness) -> None:
    assert (await create(lax, output={"summary": "no title"})).status_code == 422


async def test_the_newest_run_of_each_name_is_listed_unless_all_are_requested(world: SandboxHarness) -> None:
    first, second = [(await create(world)).json()["id"] for _ in range(2)]
    path = f"/commits/{world.pull.head_sha}/check-runs"
    latest = (await world.request("GET", path)).json()
    assert (latest["total_count"], latest["check_runs"][0]["id"]) == (1, second)
    every = (await world.request("GET", path, params={"filter": "all"})).json()
    assert [row["id"] for row in every["check_runs"]] == [second, first]
    none = (await world.request("GET", path, params={"check_name": "other"})).json()
    assert none["total_count"] == 0


async def test_check_runs_of_a_fork_have_no_pull_request_and_no_branch(world: SandboxHarness) -> None:
    """https://github.com/nearform/lastlight/issues/283"""
    pull = world.repository.open_pull({"x.py": "x\n"}, fork="mallory", author="mallory")
    made = (await world.request("POST", "/check-runs", {"name": "n", "head_sha": pull.head_sha})).json()
    assert made["pull_requests"] == []
    suites = (await world.request("GET", f"/commits/{pull.head_sha}/check-suites")).json()
    assert suites["check_suites"][0]["head_branch"] is None
    own = (await create(world)).json()
    assert [row["number"] for row in own["pull_requests"]] == [1]
