"""Guard the guard: it must notice what GitHub's description forbids."""

from typing import Any

import httpx
import pytest

from tests.contracts.guard import ContractViolation, OpenApiGuard

COMMENT = {"path": "a.py", "line": 1, "side": "RIGHT", "body": "x"}
REVIEW = {"body": "b", "event": "COMMENT", "comments": [COMMENT]}
RUN = {"name": "n", "head_sha": "a" * 40}
ANNOTATION = {"path": "a.py", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
REPO = "/repos/acme/payments"


def request(method: str, path: str, body: Any = None) -> httpx.Request:
    return httpx.Request(method, f"https://api.github.com{path}", json=body)


def violations(sent: httpx.Request, answer: httpx.Response | None = None) -> list[str]:
    guard = OpenApiGuard(raises=False)
    guard.check_request(sent)
    if answer is not None:
        guard.check_response(sent, answer)
    return guard.violations


def run_with(**output: Any) -> dict[str, Any]:
    return {**RUN, "output": {"title": "t", "summary": "s", **output}}


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        (request("GET", f"{REPO}/nowhere"), "unknown route"),
        (request("DELETE", f"{REPO}/pulls/1"), "unknown route"),
        (request("POST", f"{REPO}/check-runs", run_with(annotations=[ANNOTATION] * 51)), "too long"),
        (request("POST", f"{REPO}/check-runs", {**RUN, "status": "done"}), "status"),
        (request("POST", f"{REPO}/check-runs", {"head_sha": "a" * 40}), "'name' is a required property"),
        (request("POST", f"{REPO}/check-runs", {**RUN, "owner": "acme"}), "'owner' was unexpected"),
        (
            request("POST", f"{REPO}/pulls/1/reviews", {**REVIEW, "comments": [{**COMMENT, "subject_type": "line"}]}),
            "'subject_type' was unexpected",
        ),
        (request("POST", f"{REPO}/issues/1/comments"), "the body is missing"),
        (request("GET", f"{REPO}/pulls/1/files", {"a": 1}), "a body where none is defined"),
        (request("GET", f"{REPO}/pulls?status=open"), "unknown query parameter status"),
        (request("GET", f"{REPO}/pulls?state=everything"), "query parameter state is none of"),
        (request("POST", "/graphql", {"query": "{ viewer { password } }"}), "Cannot query field 'password'"),
        (request("POST", "/graphql", {"query": "{ viewer {"}), "Syntax Error"),
    ],
)  # fmt: skip
def test_an_unknown_request_is_a_violation(sent: httpx.Request, seen: str) -> None:
    (found,) = violations(sent)
    assert seen in found


@pytest.mark.parametrize(
    "sent",
    [
        request("POST", f"{REPO}/pulls/1/reviews", REVIEW),
        request("POST", f"{REPO}/check-runs", run_with(annotations=[ANNOTATION] * 50)),
        request("GET", f"{REPO}/compare/feature/a...feature/b?per_page=1"),
        request("GET", f"{REPO}/contents/a/deep/path.py?ref=main"),
        request("GET", f"/api/v3{REPO}/pulls/1"),
        request("POST", "/api/graphql", {"query": "{ viewer { login } }"}),
    ],
)
def test_a_documented_request_passes(sent: httpx.Request) -> None:
    assert violations(sent) == []


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (httpx.Response(200, json={"permission": "admin"}), "is a required property"),
        (
            httpx.Response(200, json={"permission": 1, "role_name": "admin", "user": None}),
            "not of type 'string'",
        ),
        (httpx.Response(201, json={}), "undocumented status 201"),
        (httpx.Response(403, json={"error": "no"}), "an error without a message"),
        (httpx.Response(200, text="admin"), "content type text/plain"),
    ],
)
def test_an_undocumented_response_is_a_violation(answer: httpx.Response, seen: str) -> None:
    sent = request("GET", f"{REPO}/collaborators/bob/permission")
    assert seen in "\n".join(violations(sent, answer))


def test_a_body_with_204_is_a_violation() -> None:
    sent = request("DELETE", f"{REPO}/issues/comments/1")
    assert violations(sent, httpx.Response(204)) == []
    assert "a body where none is defined" in violations(sent, httpx.Response(204, json={}))[0]


async def test_a_wrapped_transport_raises_at_the_first_violation() -> None:
    inner = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    async with httpx.AsyncClient(
        transport=OpenApiGuard().wrap(inner), base_url="https://api.github.com"
    ) as http:
        with pytest.raises(ContractViolation, match="unknown route"):
            await http.get("/nowhere")
        with pytest.raises(ContractViolation, match="is a required property"):
            await http.get(f"{REPO}/pulls/1")


async def test_a_collecting_guard_passes_everything_and_keeps_the_violations() -> None:
    guard = OpenApiGuard(raises=False)
    inner = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    async with httpx.AsyncClient(transport=guard.wrap(inner), base_url="https://api.github.com") as http:
        assert (await http.get(f"{REPO}/pulls/1")).json() == {}
    assert guard.checked == [("GET", f"{REPO}/pulls/1", 200)]
    assert guard.violations
