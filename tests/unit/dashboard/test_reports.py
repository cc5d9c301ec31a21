"""Reports and the overview's list of what needs somebody, over one database."""

import csv
import re
from datetime import timedelta

import pytest

from app.dashboard.formats import change, hours
from app.dashboard.reports_page import forecast
from app.store.call_tables import SpendRow
from app.store.database import Database
from tests.unit.dashboard.world import NOW, Site, add, call_row, finding_row, fix_row, review_row


def fill(database: Database) -> None:
    """This week: two reviews, one of them failed, with a resolved and a critical finding. The week before: one review."""
    this = review_row("this", at=NOW - timedelta(days=1))
    resolved, critical = finding_row(this, "f1", outcome="resolved"), finding_row(this, "f2", confirmed_by=())
    resolved.owners, critical.owners = "@octo/shop @mika", "@octo/shop"
    resolved.decided_at, critical.severity = NOW - timedelta(hours=21), "critical"
    add(database, this, resolved, critical, call_row(this, cost_usd=1.5))
    add(database, review_row("failed", status="failed", repository="octo/other", at=NOW - timedelta(days=2)))
    last = review_row("last", at=NOW - timedelta(days=9))
    add(database, last, finding_row(last, "f3", outcome="dismissed"), call_row(last, cost_usd=3.0))
    with database.write() as session:
        session.add(
            SpendRow(account="repository:7:octo/shop:2026-11", spent_usd=22.0, limit_usd=25.0, updated_at=NOW)
        )


async def test_a_report_compares_each_repository_with_the_period_before(database: Database) -> None:
    fill(database)
    async with Site(database=database).browser() as browser:
        page = (await browser.get("/reports?since=7d")).text
        answer = await browser.get("/reports.csv?since=7d")
    rows = list(csv.DictReader(answer.text.split("\r\n")))
    assert [(row["period"], row["repository"]) for row in rows] == [
        ("current", "octo/other"),
        ("current", "octo/shop"),
        ("before", "octo/shop"),
    ]
    assert [row["failed_reviews"] for row in rows] == ["1", "0", "0"]
    shop, before = rows[1], rows[2]
    assert (shop["findings"], shop["resolved"], shop["resolution_rate"]) == ("2", "1", "1.0")
    assert (shop["median_hours_to_resolve"], shop["cost_usd"]) == ("3.0", "1.5")
    assert (before["findings"], before["dismissed"], before["cost_usd"]) == ("1", "1", "3.0")
    assert "−50% on the period before" in page
    assert "3.0 h" in page
    assert "$6.28 expected by its end" in page


async def test_a_report_says_what_became_of_fixes_by_model(database: Database) -> None:
    review, old = (
        review_row("this", at=NOW - timedelta(days=1)),
        review_row("old", at=NOW - timedelta(days=9)),
    )
    add(
        database,
        review,
        fix_row(review, "a", outcome="kept"),
        fix_row(review, "b", outcome="reverted", cost_usd=0.25),
        fix_row(review, "c", status="unconfirmed", confirmed_by=None, commit_sha=None),
        fix_row(
            review, "d", status="failed", fixed_by=None, confirmed_by=None, commit_sha=None, cost_usd=0.0
        ),
        fix_row(review, "e", status="marked"),
    )
    add(database, old, fix_row(old))
    async with Site(database=database).browser() as browser:
        page = (await browser.get("/reports?since=7d")).text
    section = page.partition('id="fixes-title"')[2].partition("</table>")[0]
    rows = [
        re.findall(r">([^<>]+)</t[dh]>", row)
        for row in section.partition("<tbody>")[2].split("</tr>")
        if row.strip()
    ]
    assert [row for row in rows if row] == [
        ["no model", "1", "0", "0", "0", "0", "0", "$0.00", "$0.00"],
        ["claude:opus", "3", "3", "2", "2", "1", "1", "$1.25", "$0.42"],
    ]


async def test_a_report_counts_a_finding_for_each_owner_of_its_code(database: Database) -> None:
    fill(database)
    async with Site(database=database).browser() as browser:
        page = (await browser.get("/reports?since=7d")).text
        answer = await browser.get("/reports.csv?since=7d&by=team")
    rows = list(csv.DictReader(answer.text.split("\r\n")))
    assert [(row["team"], row["findings"], row["resolved"]) for row in rows] == [
        ("'@mika", "1", "1"),
        ("'@octo/shop", "2", "1"),
    ]
    assert page.index("@octo/shop") < page.index("@mika")


async def test_the_overview_says_what_needs_attention_and_can_show_one_repository(database: Database) -> None:
    fill(database)
    async with Site(database=database).browser() as browser:
        everything = (await browser.get("/?since=7d")).text
        other = (await browser.get("/?since=7d&repository=octo/other")).text
        nothing = await browser.get("/?repository='--")
    assert "1 open critical finding, 1 of the newest not confirmed by a second vendor" in everything
    assert "1 review failed in the last 7 days" in everything
    assert "octo/shop has used 88% of its $25.00 for this month" in everything
    assert "+100% on the period before" in everything
    assert 'href="/reviews/this"' in everything
    assert "open critical finding" not in other
    assert 'href="/reviews/failed"' in other
    assert 'href="/reviews/this"' not in other
    assert nothing.status_code == 200


def test_changes_times_and_forecasts_are_formatted_for_people() -> None:
    assert [change(*each) for each in ((3, 2), (0, 0), (1, 4))] == [
        "+50% on the period before",
        "nothing in the period before",
        "−75% on the period before",
    ]
    assert [hours(value) for value in (None, 0.4, 5.25, 72)] == ["–", "24 min", "5.2 h", "3.0 d"]
    assert forecast(10.0, NOW.replace(day=1)) is None
    assert forecast(10.0, NOW.replace(day=16, hour=0)) == pytest.approx(20.0)
