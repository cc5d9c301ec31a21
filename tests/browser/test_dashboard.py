"""The pages in a browser. Every visit also fails on console errors and on any request to another host."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from app.domain.review import StationEvent, StationState
from app.store.review_tables import ReviewRow
from tests.browser import sample
from tests.browser.axe import complaints_of
from tests.browser.conftest import TOKEN, Site, Visit

pytestmark = pytest.mark.slow

CHECKS = (Path(__file__).parent / "checks.js").read_text(encoding="utf-8")
PAGES = {
    "/": "Overview",
    "/findings": "Findings",
    f"/findings/{sample.STARRED}-finding-0": "The search text becomes part of the SQL statement",
    "/reviews": "Reviews",
    f"/reviews/{sample.STARRED}": "acme/payments#1482",
    "/models": "Model comparison",
    "/reports": "Reports",
    "/repositories": "Repositories",
    "/rules": "Rules and instructions",
    "/settings": "Settings",
    "/deliveries": "Deliveries",
    "/reviews/review-hostile": f"acme/{sample.HOSTILE}#1482",
    "/reviews/none": "Not found",
    "/nowhere": "Not found",
}
CUT = """() => [...document.querySelectorAll(".scroll, .top nav")].filter(box => box.scrollWidth > box.clientWidth + 1)
  .map(box => `cut: ${box.ariaLabel ?? box.getAttribute("aria-labelledby")}`)"""


@pytest.mark.parametrize("path", PAGES)
def test_each_page_is_readable_in_light_mode_in_dark_mode_and_on_a_phone(visit: Visit, path: str) -> None:
    page = visit.open(path)
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[path])
    for details in page.locator("details").all():
        details.evaluate("details => { details.open = true }")
    assert [*page.evaluate(CHECKS), *complaints_of(page)] == []
    page.emulate_media(color_scheme="dark")
    assert [*page.evaluate(CHECKS), *complaints_of(page)] == []
    page.set_viewport_size({"width": 360, "height": 780})
    assert [*page.evaluate(CHECKS), *page.evaluate(CUT), *complaints_of(page)] == []
    expect(page.get_by_role("navigation", name="Pages", exact=True)).to_be_visible()
    visit.complaints = [each for each in visit.complaints if "404" not in each or PAGES[path] != "Not found"]


def test_on_a_phone_the_menu_leads_to_the_other_pages(visit: Visit) -> None:
    page = visit.open("/settings")
    page.set_viewport_size({"width": 390, "height": 844})
    repositories = page.get_by_role("link", name="Repositories", exact=True)
    expect(repositories).to_have_count(0)
    page.get_by_role("button", name="More").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Settings", exact=True)).to_have_attribute("aria-current", "page")
    repositories.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Repositories")


def test_the_charts_are_drawn(visit: Visit) -> None:
    page = visit.open("/")
    charts = page.locator(".plot canvas")
    expect(charts).to_have_count(4)
    for chart in charts.all():
        painted = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
        assert chart.evaluate(painted)


def test_the_charts_follow_the_systems_color_scheme(visit: Visit) -> None:
    page = visit.open("/")
    picture = "canvas => canvas.toDataURL()"
    light = page.locator(".plot canvas").first.evaluate(picture)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "before => document.querySelector('.plot canvas')?.toDataURL() !== before", arg=light
    )


def test_the_figures_of_a_chart_are_also_in_a_table(visit: Visit) -> None:
    page = visit.open("/?since=7d")
    cost = page.locator("figure", has_text="Cost")
    cost.get_by_text("Show as table").click()
    expect(cost.get_by_role("row").nth(1)).to_be_visible()
    expect(cost.locator("details").get_by_role("columnheader", name="Claude")).to_be_visible()


def test_hostile_text_is_shown_as_text(visit: Visit) -> None:
    for path in (
        "/reviews/review-hostile",
        "/findings?state=all&order=newest",
        "/findings/review-hostile-finding-0",
        "/reviews",
        "/models",
        "/repositories",
        "/rules",
        "/deliveries",
    ):
        page = visit.open(path)
        expect(page.locator("main")).to_contain_text(sample.HOSTILE)
        assert page.locator("main img").count() == 0
        assert page.locator("main script").count() == 0
        assert page.title() != "owned"


def test_a_filter_narrows_the_list_without_reloading_the_page(visit: Visit) -> None:
    page = visit.open("/reviews")
    page.evaluate("window.unchanged = true")
    page.get_by_label("Status").select_option("failed")
    expect(page).to_have_url(re.compile("status=failed"))
    rows = page.locator("#list tbody tr")
    expect(rows.first).to_contain_text("failed")
    assert all("failed" in row.inner_text() for row in rows.all())
    assert page.evaluate("window.unchanged")
    page.get_by_label("Repository").select_option("acme/ledger")
    expect(page).to_have_url(re.compile("repository=acme%2Fledger"))


def test_a_filter_works_without_scripts(browser: Browser, site: Site) -> None:
    context = browser.new_context(
        java_script_enabled=False, extra_http_headers={"Authorization": f"Bearer {TOKEN}"}
    )
    page = context.new_page()
    page.goto(f"{site.url}/reviews")
    page.get_by_label("Provider").select_option("gemini")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile("provider=gemini"))
    expect(page.locator("#list tbody tr").first).to_contain_text("Gemini")
    context.close()


def test_older_reviews_are_on_the_next_page(visit: Visit) -> None:
    page = visit.open("/reviews")
    first = page.locator("#list tbody tr a").first.get_attribute("href")
    page.get_by_role("link", name="Older").click()
    expect(page.locator("#list tbody tr").first).to_be_visible()
    assert page.locator("#list tbody tr a").first.get_attribute("href") != first
    page.get_by_role("link", name="Newest").click()
    expect(page.locator("#list tbody tr a").first).to_have_attribute("href", str(first))


def test_a_reviews_timeline_shows_every_station_and_call(visit: Visit) -> None:
    page = visit.open(f"/reviews/{sample.STARRED}")
    timeline = page.locator(".gantt")
    expect(timeline.locator("rect.bar")).to_have_count(13)
    boxes = [bar.bounding_box() for bar in timeline.locator("rect.bar").all()]
    assert all(box and box["width"] >= 1 for box in boxes)
    expect(timeline.get_by_text("rate limited")).to_be_visible()


@contextmanager
def running(visit: Visit) -> Generator[str]:
    """The id of a running review."""
    review = ReviewRow(
        id="running",
        installation_id=7,
        repository="acme/payments",
        pull_request=9,
        trigger="opened",
        status="running",
        created_at=sample.NOW,
        started_at=sample.NOW,
    )
    with visit.site.database.write() as session:
        session.add(review)
    try:
        yield "running"
    finally:
        with visit.site.database.write() as session:
            session.delete(session.get_one(ReviewRow, "running"))


def test_the_page_of_a_running_review_updates_until_it_ends(visit: Visit) -> None:
    with running(visit) as review_id:
        page = visit.open(f"/reviews/{review_id}")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        visit.site.live.publish(
            StationEvent(review_id=review_id, station="analyze", state=StationState.STARTED)
        )
        expect(page.locator(".gantt tbody tr")).to_contain_text("analyze")
        with visit.site.database.write() as session:
            session.get_one(ReviewRow, review_id).status = "completed"
        expect(page.get_by_text("No finding passed verification")).to_be_visible()
        expect(page.get_by_text("Live", exact=True)).to_have_count(0)


def test_the_page_of_a_running_review_updates_even_if_a_script_loads_late(visit: Visit) -> None:
    held: list[Route] = []
    visit.page.route("**/hx-sse.min.js*", lambda route: held.append(route))
    with running(visit) as review_id, visit.page.expect_request(f"**/{review_id}/events"):
        visit.page.goto(f"{visit.site.url}/reviews/{review_id}", wait_until="commit")
        while not (held and visit.page.evaluate("'htmx' in window")):
            visit.page.wait_for_timeout(20)
        visit.page.evaluate("new Promise(resolve => setTimeout(resolve, 50))")
        held.pop().continue_()


def test_the_button_of_a_delivery_runs_it_again(stranger: Visit) -> None:
    page = stranger.open("/deliveries?state=failed")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in with token").click()
    expect(page).to_have_url(f"{stranger.site.url}/deliveries?state=failed")
    row = page.locator("tr", has_text="5f0c1e02")
    row.get_by_role("button").click()
    expect(page.get_by_role("status")).to_have_text("The delivery is queued to run again.")
    assert stranger.site.queue.replayed == ["5f0c1e02-2b7d-11f0-9c1a-6f2f4d8ea002"]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert stranger.complaints == []


def test_the_sign_in_page_is_readable_and_reports_a_wrong_token(stranger: Visit) -> None:
    page = stranger.open("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert [*page.evaluate(CHECKS), *complaints_of(page)] == []
    page.get_by_label("Token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Invalid token.")


def test_the_keyboard_reaches_content_and_navigation(visit: Visit) -> None:
    page = visit.open("/reviews")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Repository")).to_be_focused()
    expect(page.get_by_role("link", name="Reviews", exact=True)).to_have_attribute("aria-current", "page")
