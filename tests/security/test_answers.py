"""Every answer of every route has `nosniff` and `no-store`, whatever is asked, and no parameter makes the server fail."""

from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from app.main import build_program
from app.serving.app import build_served
from app.settings import Settings
from github_sandbox import GitHubSandbox
from tests.scenarios.world import app_settings

TOKEN = "the-token-of-the-dashboard"
VALUES = [
    "", "ü", "\x00", "\ud800", "\u202e", "'", '"', "<b>", "%", "%00", "%FF", "../..", "//evil.example", "\\", "9" * 400, "-1", "1e999", "NaN",
    "٣", "a" * 3_000, "[]", "{}", "null", "2026-13-45", "😀",
]  # fmt: skip
PARAMETERS = (
    "to", "state", "code", "since", "range", "status", "repository", "cursor", "page", "provider", "rule", "q", "error", "before", "stage",
)  # fmt: skip


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    given = app_settings(GitHubSandbox(tmp_path / "github"), tmp_path / "data", ())
    program = build_program(Settings.model_validate({**given, "quorum_dashboard_token": TOKEN}))
    served = build_served(program, mcp=True)
    transport = httpx.ASGITransport(app=served.http, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://quorum.test") as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client
    await program.close()


def is_safe(answer: httpx.Response) -> bool:
    """Whether the browser neither guesses the type nor stores the answer."""
    named = (answer.headers.get("x-content-type-options"), answer.headers.get("cache-control"))
    return named == ("nosniff", "no-store")


PATHS = (
    "/", "/now", "/reviews", "/reviews/x", "/reviews/x/events", "/models", "/repositories", "/rules", "/deliveries", "/deliveries/x/replay",
    "/sign-in", "/sign-out", "/sign-in/github", "/sign-in/github/callback", "/static/dashboard.css", "/static/missing", "/healthz", "/readyz",
    "/metrics", "/api/stats", "/mcp", "/webhooks/github", "/missing",
)  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
async def test_every_answer_says_nosniff_and_no_store(browser: httpx.AsyncClient, method: str) -> None:
    unsafe = [path for path in PATHS if not is_safe(await browser.request(method, path))]
    assert unsafe == []


async def test_answers_without_the_token_say_so_too(browser: httpx.AsyncClient) -> None:
    del browser.headers["Authorization"]
    assert [path for path in PATHS if not is_safe(await browser.get(path))] == []


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
async def test_no_parameter_makes_a_page_fail(browser: httpx.AsyncClient, value: str) -> None:
    encoded = quote(value.encode("utf-8", "surrogatepass"))
    query = "&".join(f"{name}={encoded}" for name in PARAMETERS)
    failed: list[tuple[str, int]] = []
    for path in (*PATHS, f"/reviews/{encoded}", f"/static/{encoded}", f"/deliveries/{encoded}/replay"):
        answer = await browser.get(f"{path}?{query}")
        if (answer.status_code >= 500 and path not in ("/readyz", "/mcp")) or not is_safe(answer):
            failed.append((path, answer.status_code))
    assert failed == []
