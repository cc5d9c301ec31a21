import httpx
import pytest

from app.dashboard.access import own_path
from app.dashboard.rendering import static_url
from app.store.database import Database
from tests.unit.dashboard.world import FROM_HERE, PAGES, TOKEN, Site


@pytest.mark.parametrize("page", [*PAGES, "/reviews/r1", "/reviews/r1/events"])
async def test_no_page_opens_without_the_token(database: Database, page: str) -> None:
    async with Site(database=database).browser(signed_in=False) as browser:
        answer = await browser.get(page)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?to=%2F")
    assert answer.text == ""


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer", "Basic dGhlLW9wZXJhdG9ycy10b2tlbg==", f"Bearer {TOKEN}x", "Bearer ü"]
)
async def test_another_bearer_token_is_rejected(database: Database, header: str) -> None:
    async with Site(database=database).browser(signed_in=False) as browser:
        answer = await browser.get("/", headers={"Authorization": header.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 303


async def test_the_form_sets_a_session_cookie_that_scripts_and_other_sites_cannot_use(
    database: Database,
) -> None:
    async with Site(database=database).browser(signed_in=False) as browser:
        form = {"token": TOKEN, "to": "/reviews?status=failed"}
        answer = await browser.post("/sign-in", data=form, headers=FROM_HERE)
        assert (answer.status_code, answer.headers["location"]) == (303, "/reviews?status=failed")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert (await browser.get("/")).status_code == 200


async def test_the_session_cookie_is_secure_if_the_page_uses_https(database: Database) -> None:
    async with Site(database=database).browser(signed_in=False) as browser:
        headers = {"Origin": "https://quorum.test"}
        answer = await browser.post("https://quorum.test/sign-in", data={"token": TOKEN}, headers=headers)
    assert "Secure" in answer.headers["set-cookie"]


async def test_a_wrong_token_is_reported_and_sets_no_session(database: Database) -> None:
    async with Site(database=database).browser(signed_in=False) as browser:
        answer = await browser.post("/sign-in", data={"token": "wrong"}, headers=FROM_HERE)
    assert answer.status_code == 403
    assert "Invalid token." in answer.text
    assert "set-cookie" not in answer.headers


async def test_a_session_expires_after_twelve_hours(database: Database) -> None:
    site = Site(database=database)
    async with site.browser(signed_in=False) as browser:
        await browser.post("/sign-in", data={"token": TOKEN}, headers=FROM_HERE)
        cookie = browser.cookies["quorum_session"]
        site.seconds += 12 * 3_600 - 1
        assert (await browser.get("/", headers={"Cookie": f"quorum_session={cookie}"})).status_code == 200
        site.seconds += 2
        assert (await browser.get("/", headers={"Cookie": f"quorum_session={cookie}"})).status_code == 303


@pytest.mark.parametrize(
    "cookie", ["", ".", "9999999999.", f"9999999999.{'0' * 64}", f"{'9' * 6_000}.0", "٣.0", "-1.0", "x.y"]
)
async def test_a_forged_session_is_rejected(database: Database, cookie: str) -> None:
    async with Site(database=database).browser(signed_in=False) as browser:
        answer = await browser.get("/", headers=[(b"cookie", f"quorum_session={cookie}".encode())])
    assert answer.status_code == 303


async def test_signing_out_deletes_the_session(database: Database) -> None:
    async with Site(database=database).browser(signed_in=False) as browser:
        await browser.post("/sign-in", data={"token": TOKEN}, headers=FROM_HERE)
        await browser.post("/sign-out", headers=FROM_HERE)
        assert (await browser.get("/")).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://quorum.test.evil.example"},
        {"Origin": "http://quorum.test", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://quorum.test", "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_on_another_site_cannot_sign_in_or_out(
    database: Database, headers: dict[str, str]
) -> None:
    async with Site(database=database).browser(signed_in=False) as browser:
        answer = await browser.post("/sign-in", data={"token": TOKEN}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        await browser.post("/sign-in", data={"token": TOKEN}, headers=FROM_HERE)
        await browser.post("/sign-out", headers=headers)
        assert (await browser.get("/")).status_code == 200


async def test_a_link_from_github_is_reloaded_so_that_the_session_cookie_is_sent(
    database: Database,
) -> None:
    async with Site(database=database).browser(signed_in=False) as browser:
        headers = {"Sec-Fetch-Site": "cross-site"}
        answer = await browser.get("/reviews/r1", headers=headers)
    assert answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0;url=/reviews/r1">' in answer.text


async def test_only_the_demo_grants_open_access(database: Database) -> None:
    async with Site(database=database, token=None).browser() as browser:
        answer = await browser.get("/")
    assert answer.status_code == 200
    assert "Demo (open access)" in answer.text
    assert "Sign out" not in answer.text


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "", "/a\nb", "javascript:x"],
)
def test_signing_in_never_redirects_to_another_site(wanted: str) -> None:
    assert own_path(wanted) == "/"


def test_signing_in_redirects_to_the_requested_page() -> None:
    assert own_path("/reviews?status=failed") == "/reviews?status=failed"


@pytest.mark.parametrize("page", [*PAGES, "/sign-in", "/reviews/missing", "/static/dashboard.css"])
async def test_every_response_forbids_foreign_content_and_frames(database: Database, page: str) -> None:
    async with Site(database=database).browser() as browser:
        answer: httpx.Response = await browser.get(page)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["../pages.py", "%2e%2e/pages.py", "nothing.css", "", "/etc/passwd"])
async def test_static_files_are_a_closed_set(database: Database, name: str) -> None:
    async with Site(database=database).browser() as browser:
        assert (await browser.get(f"http://quorum.test/static/{name}")).status_code in (404, 303)


async def test_no_answer_is_stored_by_a_browser_not_even_a_static_file(database: Database) -> None:
    url = static_url("dashboard.css")
    async with Site(database=database).browser(signed_in=False) as browser:
        response = await browser.get(url)
    assert response.headers["content-type"].startswith("text/css")
    assert response.headers["cache-control"] == "no-store"
    assert "?v=" in url
    assert url != static_url("charts.js")
