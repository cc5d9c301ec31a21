from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.dashboard.sign_in import RECHECK_S
from app.github.people import GitHubPeople
from app.store.database import Database
from tests.unit.dashboard.world import FakeGitHub, Site, add_tenant


def site_of(database: Database, github: FakeGitHub) -> Site:
    people = GitHubPeople("client", "client-secret", "https://api.github.com", transport=github.transport())
    return Site(database=database, people=people)


async def begin(browser: httpx.AsyncClient, *, to: str = "/reviews") -> str:
    """The state with which the browser was sent to GitHub."""
    answer = await browser.get("/sign-in/github", params={"to": to})
    url = urlsplit(answer.headers["location"])
    query = parse_qs(url.query)
    assert (url.scheme, url.netloc, url.path) == ("https", "github.com", "/login/oauth/authorize")
    assert query["client_id"] == ["client"]
    assert query["code_challenge_method"] == ["S256"]
    assert "SameSite=lax" in answer.headers["set-cookie"]
    return query["state"][0]


async def sign_in(browser: httpx.AsyncClient, login: str) -> httpx.Response:
    state = await begin(browser)
    return await browser.get("/sign-in/github/callback", params={"code": f"code-{login}", "state": state})


@pytest.fixture
def github() -> FakeGitHub:
    return FakeGitHub({"mika": {7: ["octo/shop"]}, "noa": {}})


async def test_users_see_the_repositories_that_they_can_read(database: Database, github: FakeGitHub) -> None:
    add_tenant(database, "mine", repository="octo/shop", installation_id=7)
    add_tenant(database, "theirs", repository="octo/secret", installation_id=7)
    async with site_of(database, github).browser(signed_in=False) as browser:
        answer = await sign_in(browser, "mika")
        assert 'content="0;url=/reviews"' in answer.text
        assert "SameSite=strict" in answer.headers["set-cookie"]
        assert "ghu_mika" not in str(answer.headers)
        page = await browser.get("/reviews")
        assert "octo/shop" in page.text
        assert "octo/secret" not in page.text
        assert "mika" in page.text


async def test_a_users_access_is_checked_again_every_five_minutes(
    database: Database, github: FakeGitHub
) -> None:
    add_tenant(database, "mine", repository="octo/shop", installation_id=7)
    site = site_of(database, github)
    async with site.browser(signed_in=False) as browser:
        await sign_in(browser, "mika")
        github.readable["mika"] = {}
        assert (await browser.get("/reviews/mine")).status_code == 200
        assert github.asked == 1
        site.seconds += RECHECK_S
        assert (await browser.get("/reviews/mine")).status_code == 404
        assert github.asked == 2


async def test_a_user_whose_token_was_revoked_is_signed_out(database: Database, github: FakeGitHub) -> None:
    site = site_of(database, github)
    async with site.browser(signed_in=False) as browser:
        await sign_in(browser, "mika")
        del github.readable["mika"]
        site.seconds += RECHECK_S
        assert (await browser.get("/reviews")).status_code == 303


async def test_a_user_without_repositories_sees_nothing(database: Database, github: FakeGitHub) -> None:
    add_tenant(database, "theirs", repository="octo/shop", installation_id=7)
    async with site_of(database, github).browser(signed_in=False) as browser:
        await sign_in(browser, "noa")
        assert "No reviews yet" in (await browser.get("/reviews")).text


async def test_repositories_after_githubs_first_page_are_visible(
    database: Database, github: FakeGitHub
) -> None:
    names = [f"octo/repo-{number}" for number in range(130)]
    github.readable["mika"] = {7: names}
    viewer = await GitHubPeople(
        "client", "client-secret", "https://api.github.com", transport=github.transport()
    ).load_viewer("ghu_mika")
    assert viewer.repositories == {7: frozenset(names)}


@pytest.mark.parametrize("state", ["", "wrong"])
async def test_an_unsolicited_callback_does_not_sign_in(
    database: Database, github: FakeGitHub, state: str
) -> None:
    async with site_of(database, github).browser(signed_in=False) as browser:
        await begin(browser)
        answer = await browser.get("/sign-in/github/callback", params={"code": "code-mika", "state": state})
        assert answer.status_code == 403
        assert (await browser.get("/reviews")).status_code == 303


@pytest.mark.parametrize("state", ["ü", "%C3%BC", "%FF", "\u202e", "%F0%9F%98%80", "ok%C2%A0"])
async def test_a_callback_with_a_state_that_is_not_ascii_is_answered_400(
    database: Database, github: FakeGitHub, state: str
) -> None:
    async with site_of(database, github).browser(signed_in=False) as browser:
        await begin(browser)
        answer = await browser.get(f"/sign-in/github/callback?code=code-mika&state={state}")
        assert answer.status_code == 400
        assert (await browser.get("/reviews")).status_code == 303


async def test_the_callback_of_another_browser_does_not_sign_in(
    database: Database, github: FakeGitHub
) -> None:
    site = site_of(database, github)
    async with site.browser(signed_in=False) as attacker, site.browser(signed_in=False) as victim:
        state = await begin(attacker)
        answer = await victim.get("/sign-in/github/callback", params={"code": "code-mika", "state": state})
    assert answer.status_code == 403


async def test_a_code_that_github_rejects_does_not_sign_in(database: Database, github: FakeGitHub) -> None:
    async with site_of(database, github).browser(signed_in=False) as browser:
        answer = await sign_in(browser, "nobody")
        assert answer.status_code == 403
        assert "GitHub did not confirm the sign-in." in answer.text
        assert (await browser.get("/reviews")).status_code == 303


async def test_a_forged_user_cookie_is_rejected(database: Database, github: FakeGitHub) -> None:
    async with site_of(database, github).browser(signed_in=False) as browser:
        answer = await browser.get("/reviews", headers={"Cookie": "quorum_person=ghu_mika"})
    assert answer.status_code == 303
    assert github.asked == 0


async def test_sign_in_with_github_is_offered_only_if_it_is_configured(
    database: Database, github: FakeGitHub
) -> None:
    async with Site(database=database).browser(signed_in=False) as browser:
        assert "Sign in with GitHub" not in (await browser.get("/sign-in")).text
        assert (await browser.get("/sign-in/github")).status_code == 404
        assert (await browser.get("/sign-in/github/callback?state=&code=")).status_code == 403
    async with site_of(database, github).browser(signed_in=False) as browser:
        assert "Sign in with GitHub" in (await browser.get("/sign-in")).text
