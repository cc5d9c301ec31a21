from datetime import timedelta

import pytest
from sqlmodel import select

from app.dashboard.rendering import printable, prose
from app.domain.model_call import Provider
from app.llm.circuits import OpenCircuit
from app.store.database import Database
from app.store.job_tables import DeliveryRow
from app.store.review_tables import ReviewRow
from tests.unit.dashboard.world import (
    FROM_HERE,
    NOW,
    PAGES,
    Site,
    add,
    add_tenant,
    call_row,
    delivery_row,
    finding_row,
    review_row,
)


@pytest.mark.parametrize("page", PAGES)
async def test_every_page_opens_with_an_empty_database(database: Database, page: str) -> None:
    async with Site(database=database).browser() as browser:
        answer = await browser.get(page)
    assert answer.status_code == 200
    assert "None" not in answer.text


async def test_the_overview_shows_unavailable_providers_and_the_queue(database: Database) -> None:
    circuit = OpenCircuit(provider=Provider.GPT, model="sol", opens_in_s=42.0, error="The key was refused.")
    async with Site(database=database, circuits=[circuit]).browser() as browser:
        text = " ".join((await browser.get("/now")).text.split())
        overview = (await browser.get("/")).text
    assert '<a href="#now">GPT is unavailable</a>' in overview
    assert "<dt>queued</dt><dd>2</dd>" in text
    assert "GPT <code>sol</code> is unavailable: The key was refused. Next attempt in 42.0 s." in text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["done", "failed", "other"]),
        ("?status=failed", ["failed"]),
        ("?repository=octo/other", ["other"]),
        ("?provider=gpt", ["failed"]),
        ("?provider=claude&status=failed", []),
        ("?status='--", []),
        ("?severity=high", ["done"]),
        ("?search=mika+SELL", ["done"]),
        ("?search=_", []),
        ("?from=2026-11-22&to=2026-11-22", ["done", "failed"]),
        ("?to=2026-11-21", ["other"]),
        ("?from=x", ["done", "failed", "other"]),
    ],
)
async def test_the_list_of_reviews_can_be_filtered(database: Database, query: str, shown: list[str]) -> None:
    done, failed = review_row("done"), review_row("failed", status="failed")
    done.title, done.author, done.branch, done.trigger = "Sell <once>", "mika", "sell", "comment:5"
    job = delivery_row(done)
    job.request = {"kind": "comment", "author": "ana", "command": {"name": "rereview", "words": ["full"]}}
    done.delivery, failed.error = job.guid, "The key was refused."
    add(database, done, call_row(done), finding_row(done), job)
    add(database, failed, call_row(failed, source="gpt:sol"))
    add(database, review_row("other", repository="octo/other", at=NOW - timedelta(days=1)))
    async with Site(database=database).browser() as browser:
        text = (await browser.get(f"/reviews{query}")).text
    assert [name for name in ("done", "failed", "other") if f'href="/reviews/{name}"' in text] == shown
    if "done" in shown:
        assert "/rereview full by ana" in text
        assert "Sell &lt;once&gt;" in text
    if "failed" in shown:
        assert "The key was refused." in text
    if len(shown) == 3:
        assert "<b>3 reviews</b>, 1 failed, $0.15" in text


async def test_every_review_is_on_exactly_one_page_of_the_list(database: Database) -> None:
    with database.write() as session:
        session.add_all(
            review_row(f"r{number:03}", at=NOW - timedelta(minutes=number // 3)) for number in range(120)
        )
    seen: list[str] = []
    path: str | None = "/reviews?status=completed"
    async with Site(database=database).browser() as browser:
        while path:
            text = (await browser.get(path)).text
            seen += [piece.partition('"')[0] for piece in text.split('href="/reviews/')[1:]]
            older = [piece.partition('"')[0] for piece in text.split('href="') if ">Older<" in piece[:200]]
            path = older[0].replace("&amp;", "&") if older else None
    assert len(seen) == len(set(seen)) == 120


@pytest.mark.parametrize("after", ["", "x", "2026~", "2026-11-22T00:00:00~r", "~~~"])
async def test_an_invalid_cursor_shows_the_newest_reviews(database: Database, after: str) -> None:
    add(database, review_row())
    async with Site(database=database).browser() as browser:
        for page in ("/reviews", "/deliveries"):
            assert (await browser.get(page, params={"after": after})).status_code == 200
        assert "octo/shop" in (await browser.get("/reviews", params={"after": after})).text
        assert (await browser.get("/", params={"since": "9999d"})).status_code == 200


async def test_a_review_shows_finders_and_verifiers(database: Database) -> None:
    review = review_row()
    finding = finding_row(review)
    finding.verifier_evidence = "`cart` is <None> here"
    add(database, review, finding, call_row(review))
    async with Site(database=database).browser() as browser:
        text = (await browser.get("/reviews/r1")).text
    assert "The value may be missing" in text
    assert "<code>opus</code>" in text
    assert "<code>sol</code>" in text
    assert "<code>cart</code> is &lt;None&gt; here" in text
    assert 'href="https://github.com/octo/shop/pull/1"' in text


async def test_a_review_whose_text_was_purged_still_opens(database: Database) -> None:
    review = review_row()
    finding = finding_row(review, title="")
    finding.explanation = finding.quote = ""
    review.stations = []
    add(database, review, finding)
    async with Site(database=database).browser() as browser:
        text = (await browser.get("/reviews/r1")).text
    assert "Text removed after the retention period" in text
    assert "No timing data is available." in text


async def test_the_operator_can_run_a_delivery_again(database: Database) -> None:
    site = Site(database=database)
    review = review_row()
    add(database, review, delivery_row(review))
    async with site.browser() as browser:
        answer = await browser.post("/deliveries/r1-delivery/replay", headers=FROM_HERE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/deliveries?message=replayed")
    assert site.queue.replayed == ["r1-delivery"]


@pytest.mark.parametrize(("state", "status"), [("queued", 409), ("running", 409), ("gone", 404)])
async def test_unfinished_or_unknown_deliveries_cannot_be_run_again(
    database: Database, state: str, status: int
) -> None:
    site = Site(database=database)
    review = review_row()
    if status == 409:
        add(database, review, delivery_row(review, state=state))
    async with site.browser() as browser:
        answer = await browser.post("/deliveries/r1-delivery/replay", headers=FROM_HERE)
    assert answer.status_code == status
    assert site.queue.replayed == []


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
async def test_another_site_cannot_run_a_delivery_again(database: Database, headers: dict[str, str]) -> None:
    site = Site(database=database, token=None)  # the open demo: no token protects it
    review = review_row()
    add(database, review, delivery_row(review))
    async with site.browser() as browser:
        answer = await browser.post("/deliveries/r1-delivery/replay", headers=headers)
    assert answer.status_code == 403
    assert site.queue.replayed == []


async def test_get_requests_change_nothing(database: Database) -> None:
    site = Site(database=database)
    add_tenant(database, "r1", repository="octo/shop", installation_id=7)

    def state() -> list[object]:
        with database.read() as session:
            rows = [*session.exec(select(ReviewRow)), *session.exec(select(DeliveryRow))]
            return [row.model_dump() for row in rows]

    before = state()
    async with site.browser() as browser:
        for path in (*PAGES, "/reviews/r1", "/deliveries/r1-delivery/replay", "/sign-out"):
            for method in ("GET", "HEAD"):
                answer = await browser.request(method, path)
                assert answer.status_code in (200, 405)
                if method == "HEAD":
                    assert answer.content == b"" or answer.status_code == 405
    assert state() == before
    assert site.queue.replayed == []


def test_models_text_only_becomes_text_and_code_spans() -> None:
    assert prose("use `a < b`, not <b>") == "use <code>a &lt; b</code>, not &lt;b&gt;"
    assert prose("`<script>`") == "<code>&lt;script&gt;</code>"
    assert prose("a lone ` stays") == "a lone ` stays"


def test_control_and_bidirectional_characters_are_shown_as_escapes() -> None:
    assert printable("safe\u202etxt.exe\x00\udc80\n") == "safe\\u202etxt.exe\\x00\\udc80\n"


async def test_a_file_name_that_is_not_utf8_can_be_shown(database: Database) -> None:
    review = review_row()
    finding = finding_row(review)
    finding.path = "caf\udce9\u202e.py"
    add(database, review, finding)
    async with Site(database=database).browser() as browser:
        answer = await browser.get("/reviews/r1")
    assert answer.status_code == 200
    assert "caf\\udce9\\u202e.py" in answer.text


async def test_an_unknown_address_is_a_page_for_a_browser_and_json_for_programs(database: Database) -> None:
    site = Site(database=database)
    async with site.browser() as operator, site.browser(signed_in=False) as stranger:
        page = await operator.get("/nowhere", headers={"Accept": "text/html,*/*;q=0.8"})
        answer = await operator.get("/nowhere", headers={"Accept": "application/json"})
        outside = await stranger.get("/static/none.css", headers={"Accept": "text/html"})
    assert [each.status_code for each in (page, answer, outside)] == [404, 404, 404]
    assert 'href="/findings"' in page.text
    assert "Content-Security-Policy" in page.headers
    assert answer.json() == {"detail": "Not Found"}
    assert "Not found" in outside.text
    assert 'href="/findings"' not in outside.text
