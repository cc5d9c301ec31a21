"""Rate limits and fault injection.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#handle-rate-limit-errors-appropriately
"""

import httpx
import pytest

from github_sandbox import Fault, RateLimits
from github_sandbox.limits import Throttle
from github_sandbox.sandbox import serve
from tests.github_sandbox.conftest import SandboxHarness

COMMENTS = "/issues/1/comments"


async def test_every_response_has_the_rate_limit_headers(world: SandboxHarness) -> None:
    first = await world.request("GET", "/pulls/1")
    second = await world.request("GET", "/pulls/1")
    assert int(first.headers["x-ratelimit-remaining"]) - int(second.headers["x-ratelimit-remaining"]) == 1
    assert first.headers["x-ratelimit-limit"] == "5000"
    assert int(first.headers["x-ratelimit-reset"]) == int(world.clock.now) + 3600


async def test_the_hourly_limit_resets(world: SandboxHarness) -> None:
    world.sandbox.throttle = Throttle(RateLimits(primary_per_hour=2), world.clock)
    statuses = [(await world.request("GET", "/pulls/1")).status_code for _ in range(3)]
    assert statuses == [200, 200, 403]
    limited = await world.request("GET", "/pulls/1")
    assert limited.headers["x-ratelimit-remaining"] == "0"
    assert "retry-after" not in limited.headers
    world.clock.now += 3600
    assert (await world.request("GET", "/pulls/1")).status_code == 200


async def test_the_81st_comment_of_a_minute_is_rejected(world: SandboxHarness) -> None:
    for number in range(80):
        assert (await world.request("POST", COMMENTS, {"body": f"{number}"})).status_code == 201
    limited = await world.request("POST", COMMENTS, {"body": "too much"})
    assert (limited.status_code, limited.headers["retry-after"]) == (403, "60")
    assert "secondary rate limit" in limited.json()["message"]
    assert (await world.request("GET", "/pulls/1")).status_code == 200
    world.clock.now += 61
    assert (await world.request("POST", COMMENTS, {"body": "now"})).status_code == 201


async def test_the_501st_comment_of_an_hour_is_rejected(world: SandboxHarness) -> None:
    world.sandbox.throttle = Throttle(RateLimits(content_per_hour=3), world.clock)
    statuses: list[int] = []
    for _ in range(4):
        statuses.append((await world.request("POST", COMMENTS, {"body": "x"})).status_code)
        world.clock.now += 61
    assert (statuses, RateLimits().content_per_hour) == ([201, 201, 201, 403], 500)


@pytest.mark.parametrize(
    ("fault", "status", "has_retry_after", "remaining"),
    [
        (Fault.SECONDARY_LIMIT, 403, True, None),
        (Fault.SECONDARY_LIMIT_429, 429, True, None),
        (Fault.SECONDARY_LIMIT_BARE, 403, False, None),
        (Fault.SECONDARY_LIMIT_429_BARE, 429, False, None),
        (Fault.PRIMARY_LIMIT, 403, False, "0"),
        (Fault.PRIMARY_LIMIT_429, 429, False, "0"),
    ],
)
async def test_rate_limits_come_as_403_and_429_with_and_without_retry_after(
    world: SandboxHarness, fault: Fault, status: int, has_retry_after: bool, remaining: str | None
) -> None:
    world.sandbox.faults.inject(fault, path="/comments$")
    answer = await world.request("POST", COMMENTS, {"body": "x"})
    assert answer.status_code == status
    assert ("retry-after" in answer.headers) is has_retry_after
    assert answer.headers.get("x-ratelimit-remaining") == remaining
    assert world.pull.issue_comments == []
    assert (await world.request("POST", COMMENTS, {"body": "x"})).status_code == 201


async def test_abuse_detection_responds_with_422(world: SandboxHarness) -> None:
    """https://github.com/paranext/paranext-core/issues/2659"""
    world.sandbox.faults.inject(Fault.ABUSE)
    answer = await world.request("POST", COMMENTS, {"body": "x"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "abuse")


async def test_a_502_can_follow_work_that_was_done(world: SandboxHarness) -> None:
    """https://github.com/kirodotdev/KiroCrew/issues/9087"""
    world.sandbox.faults.inject(Fault.DONE_THEN_BAD_GATEWAY, path="/comments$")
    world.sandbox.faults.inject(Fault.BAD_GATEWAY, path="/comments$")
    answers = [await world.request("POST", COMMENTS, {"body": f"{n}"}) for n in range(2)]
    assert [a.status_code for a in answers] == [502, 502]
    assert [c.body for c in world.pull.issue_comments] == ["0"]


async def test_a_timeout_can_follow_work_that_was_done(world: SandboxHarness) -> None:
    world.sandbox.faults.inject(Fault.DONE_THEN_NO_ANSWER)
    world.sandbox.faults.inject(Fault.NO_ANSWER)
    for body in ("kept", "lost"):
        with pytest.raises(httpx.ReadTimeout):
            await world.request("POST", COMMENTS, {"body": body})
    assert [c.body for c in world.pull.issue_comments] == ["kept"]
    assert world.sandbox.requests[-1].status == 0


async def test_a_fault_happens_only_to_matching_requests(world: SandboxHarness) -> None:
    world.sandbox.faults.inject(Fault.SERVER_ERROR, method="GET", path="/files$", times=2)
    assert (await world.request("GET", "/pulls/1")).status_code == 200
    statuses = [(await world.request("GET", "/pulls/1/files")).status_code for _ in range(3)]
    assert (statuses, world.sandbox.faults.left) == ([500, 500, 200], 0)


async def test_requests_are_logged(world: SandboxHarness) -> None:
    await world.request("GET", "/pulls/1")
    await world.query("query Two { rateLimit { remaining } }")
    told = [(r.method, r.path, r.status, r.operation) for r in world.sandbox.requests]
    assert told == [("GET", "/repos/acme/payments/pulls/1", 200, None), ("POST", "/graphql", 200, "Two")]


async def test_a_connection_can_be_cut_before_and_after_the_work(world: SandboxHarness) -> None:
    sandbox = world.sandbox
    sandbox.faults.inject(Fault.CUT)
    sandbox.faults.inject(Fault.DONE_THEN_CUT)
    token, _ = sandbox.tokens.create(next(iter(sandbox.installations)))
    headers = {"authorization": f"Bearer {token}"}
    repository = next(iter(sandbox.repositories))
    async with serve(sandbox), httpx.AsyncClient(headers=headers, trust_env=False) as client:
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError):
                await client.post(f"{sandbox.urls.api}/repos/{repository}{COMMENTS}", json={"body": "kept"})
    assert [comment.body for comment in world.pull.issue_comments] == ["kept"]


async def test_a_revoked_token_is_refused(world: SandboxHarness) -> None:
    token = world.token()
    assert (await world.request("GET", "/pulls/1", token=token)).status_code == 200
    world.sandbox.tokens.revoke_all()
    assert (await world.request("GET", "/pulls/1", token=token)).status_code == 401
