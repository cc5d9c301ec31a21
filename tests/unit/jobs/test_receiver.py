"""Notifications on the wire, and which addresses and secrets are accepted."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from app.errors import ConfigurationError, NotificationFailed, NotificationGone
from app.jobs.receiver import Receiver

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
URL = "https://hooks.example.com/quorum"
BODY = json.dumps({"type": "review.finished", "data": {"repository": "octo/šop"}})


def receiver(answer: Callable[[httpx.Request], httpx.Response], url: str = URL) -> Receiver:
    return Receiver(url, SECRET, transport=httpx.MockTransport(answer))


async def test_the_public_library_verifies_a_notification() -> None:
    taken: list[object] = []

    def take(request: httpx.Request) -> httpx.Response:
        taken.append(Webhook(SECRET).verify(request.content, dict(request.headers)))
        assert (request.method, str(request.url)) == ("POST", URL)
        assert request.headers["webhook-id"] == "msg_1"
        assert request.headers["content-type"] == "application/json"
        return httpx.Response(204)

    await receiver(take).post("msg_1", BODY, at=datetime.now(UTC))
    assert taken == [json.loads(BODY)]


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 500, 503])
async def test_other_statuses_fail_and_redirects_are_not_followed(status: int) -> None:
    asked: list[str] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, headers={"location": "http://169.254.169.254/"})

    with pytest.raises(NotificationFailed, match=f"status {status}"):
        await receiver(refuse).post("msg_1", BODY, at=datetime.now(UTC))
    assert asked == [URL]


async def test_a_receiver_that_is_gone_gets_no_further_attempts() -> None:
    with pytest.raises(NotificationGone):
        await receiver(lambda _: httpx.Response(410)).post("msg_1", BODY, at=datetime.now(UTC))


async def test_a_connection_error_does_not_repeat_the_receivers_text() -> None:
    def break_off(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("10.0.0.7 said something secret", request=request)

    with pytest.raises(
        NotificationFailed, match="Cannot reach the notification receiver: ConnectError"
    ) as failed:
        await receiver(break_off).post("msg_1", BODY, at=datetime.now(UTC))
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/hook", "http://localhost/hook", "http://[::1]/hook"])
def test_loopback_may_be_plain_http(url: str) -> None:
    Receiver(url, SECRET)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com/quorum",
        "http://hooks.example.com/quorum",
        "http://127.0.0.1.example.com/",
        "https://",
        "https://user:word@hooks.example.com/",
        "https://hooks.example.com/#part",
        "file:///etc/passwd",
        "https://[broken/",
    ],
)
def test_other_addresses_are_rejected_at_startup(url: str) -> None:
    with pytest.raises(ConfigurationError, match="QUORUM_NOTIFY_URL"):
        Receiver(url, SECRET)


@pytest.mark.parametrize("secret", [None, "", "whsec_", "a word", "whsec_c2hvcnQ=", "%%%" * 20])
def test_a_secret_that_is_missing_short_or_not_base64_is_rejected_at_startup(secret: str | None) -> None:
    with pytest.raises(ConfigurationError, match="openssl rand -base64 32"):
        Receiver(URL, secret)
