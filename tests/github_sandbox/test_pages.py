"""The page of a pull request: it shows what is there, and its forms do what people do on GitHub."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from github_sandbox import Anchor, GitHubSandbox, Pull

PAGE = "/octo/shop/pull/1"
SUGGESTION = "Wrong sum.\n\n```suggestion\ntotal = 2\n```\n"


@pytest.fixture
def pull(tmp_path: Path) -> Pull:
    sandbox = GitHubSandbox(tmp_path)
    repository = sandbox.create_repository("octo/shop", {"cart.py": "total = 0\n"})
    repository.set_role("bob", "admin")
    return repository.open_pull({"cart.py": "total = 1\n"}, title="Count", body="See `cart.py`.")


@pytest.fixture
async def browser(pull: Pull) -> AsyncGenerator[httpx.AsyncClient]:
    assert isinstance(pull.hub, GitHubSandbox)
    async with httpx.AsyncClient(transport=pull.hub.transport(), base_url="https://github.test") as client:
        yield client


async def press(browser: httpx.AsyncClient, **form: str) -> int:
    page = (await browser.get(PAGE)).text
    token = re.findall(r'name="token" value="([^"]+)"', page)[0]
    return (await browser.post(PAGE, data={"token": token, "as": "bob", **form})).status_code


async def test_the_page_shows_the_conversation_the_checks_and_the_files(
    pull: Pull, browser: httpx.AsyncClient
) -> None:
    bot = pull.hub.bot
    pull.comment(bot, "Summary\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```mermaid\nflowchart LR\n```\n")
    pull.review(bot, "One finding.", [(Anchor(path="cart.py", line=1), SUGGESTION)])
    pull.repository.create_check_run({"name": "quorum/review", "head_sha": pull.head_sha})
    page = (await browser.get(PAGE)).text
    for shown in (
        "See <code>cart.py</code>.",
        "<td>2</td>",
        "<figcaption>Diagram</figcaption>",
        'src="/static/mermaid.tiny.js"',
        "One finding.",
        "Suggested change",
        "quorum/review",
        "total = 1",
    ):
        assert shown in page
    assert page.index("total = 1") < page.index("Wrong sum.")  # under its line


async def test_only_a_page_with_a_diagram_loads_the_library_that_draws_it(
    pull: Pull, browser: httpx.AsyncClient
) -> None:
    assert "mermaid" not in (await browser.get(PAGE)).text
    pull.comment("bob", "```mermaid\nflowchart LR\n  a --> b\n```")
    answer = await browser.get(PAGE)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'nonce-" in policy
    library = await browser.get(re.findall(r'src="(/static/[^"]+)"', answer.text)[0])
    assert library.headers["content-type"].startswith("text/javascript")
    assert 'globalThis["mermaid"]' in library.text[-100:]


async def test_people_comment_reply_react_resolve_commit_a_suggestion_and_merge(
    pull: Pull, browser: httpx.AsyncClient
) -> None:
    pull.review(pull.hub.bot, "One finding.", [(Anchor(path="cart.py", line=1), SUGGESTION)])
    [comment] = pull.review_comments()
    before = (await browser.get(f"{PAGE}?version")).text
    at = {"comment": str(comment.id)}
    assert await press(browser, do="comment", body="/rereview") == 303
    assert await press(browser, do="reply", body="/explain", **at) == 303
    assert await press(browser, do="react", content="+1", **at) == 303
    assert await press(browser, do="resolve", **at) == 303
    assert await press(browser, do="apply", **at) == 303
    assert [(each.user.login, each.body) for each in pull.issue_comments] == [("bob", "/rereview")]
    assert pull.threads[0].comments[1].body == "/explain"
    assert [each.content for each in comment.reactions] == ["+1"]
    assert pull.threads[0].resolved_by is pull.hub.account("bob")
    assert pull.repository.git.file(pull.head_sha, "cart.py") == b"total = 2\n"
    assert (await browser.get(f"{PAGE}?version")).text != before
    assert await press(browser, do="merge") == 303
    assert pull.merged


async def test_markup_of_a_comment_runs_nothing_and_other_sites_cannot_post(
    pull: Pull, browser: httpx.AsyncClient
) -> None:
    pull.comment(
        "mallory",
        '<img src=x onerror="alert(1)"><script>alert(1)</script><a href="javascript:alert(1)">x</a>',
    )
    answer = await browser.get(PAGE)
    body = answer.text.partition("<script nonce=")[0]
    assert not re.search(r"alert\(1\)|javascript:|onerror", body)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert (
        await browser.post(PAGE, data={"do": "merge", "as": "bob", "token": "guessed"})
    ).status_code == 422
    assert not pull.merged
