"""The page of findings: filters, order, pages, exports, and decisions, over one database."""

import csv
import json
from dataclasses import replace
from datetime import timedelta

import httpx
from sqlmodel import select

from app.dashboard.exports import csv_lines, safe_cell
from app.dashboard.links import line_url
from app.domain.finding import Finding
from app.domain.job import ReviewJob
from app.domain.pull_request import PullRequestRef
from app.domain.review import Coverage, ReviewReport, ReviewRequest, UsageTotal
from app.domain.viewer import OPERATOR
from app.github.people import GitHubPeople
from app.jobs.dismissals import without_dismissed
from app.store.dashboard.findings import load_finding
from app.store.database import Database
from app.store.findings import finding_of, load_rules
from app.store.reports import record_report
from app.store.review_tables import FindingRow, ReviewRow
from tests.unit.dashboard.test_sign_in import sign_in
from tests.unit.dashboard.world import FROM_HERE, NOW, FakeGitHub, Site, add, finding_row, review_row

FIELDS = ("severity", "rule_id", "path", "outcome", "found_by", "title")
FINDINGS = {  # id: what differs from the default
    "old": {"severity": "critical", "title": "Sold twice"},
    "again": {"severity": "high", "title": "Found by two reviews"},
    "gone": {"severity": "high", "outcome": "resolved"},
    "dull": {"severity": "low", "path": "docs/100%_done.py", "rule_id": "style", "found_by": ["gpt:sol"]},
    "unknown": {"severity": "medium", "outcome": None, "title": "=cmd|' /C calc'!A0"},
}


def fill(database: Database) -> None:
    """Three reviews of two repositories; the finding `again` is in the first and, two lines lower, in the second."""
    first = review_row("first", at=NOW - timedelta(days=40))
    second = review_row("second", at=NOW - timedelta(hours=2))
    second.title, second.author, second.branch = "Sell <b>once</b>", "Mika", "sell-once"
    other = review_row("other", repository="octo/other", at=NOW - timedelta(days=3))
    repeated = finding(second, "again")
    repeated.line = repeated.start_line = 10
    repeated.comment_id = 77
    add(database, first, finding(first, "old"), finding(first, "again"))
    add(database, second, repeated, finding(second, "gone"))
    add(database, other, finding(other, "dull"), finding(other, "unknown"))


def finding(review: ReviewRow, name: str) -> FindingRow:
    row = finding_row(review, name)
    for field, value in FINDINGS[name].items():
        setattr(row, field, value)
    return row


def report_with(found: Finding) -> ReviewReport:
    return ReviewReport(
        findings=(found,),
        rejected=(),
        stages=(),
        coverage=Coverage(files=1, reviewed=1),
        usage=UsageTotal(),
        duration_ms=0,
    )


async def shown(browser: httpx.AsyncClient, query: str) -> list[str]:
    """The names of the findings in an export; the page must show the same ones."""
    rows = json.loads((await browser.get(f"/findings.json?{query}")).text)
    page = (await browser.get(f"/findings?{query}")).text
    assert [f'href="/findings/{row["id"]}"' in page for row in rows] == [True] * len(rows)
    assert page.count('<th scope="row"') == len(rows)
    return [row["id"].rpartition("-")[2] for row in rows]


async def test_filters_order_and_search_choose_the_findings(database: Database) -> None:
    fill(database)
    async with Site(database=database).browser() as browser:
        expected = {
            "": ["old", "again", "unknown", "dull"],
            "order=newest": ["again", "unknown", "dull", "old"],
            "order=oldest": ["old", "dull", "unknown", "again"],
            "state=all&severity=high": ["gone", "again"],
            "state=resolved": ["gone"],
            "repository=octo/other": ["unknown", "dull"],
            "rule=style": ["dull"],
            "path=docs/": ["dull"],
            "path=shop/cart.py&severity=critical": ["old"],
            "path=sho": [],
            "found_by=gpt": ["dull"],
            "author=mika&state=all": ["gone", "again"],
            "age=24h": [],
            "age=7d": ["unknown", "dull"],
            "age=over-30d": ["old", "again"],
            "search=SOLD+twice": ["old"],
            "search=100%25_": ["dull"],
            "search=_____": [],
            "search='--": [],
            "state=x&severity=y": [],
        }
        found = {query: await shown(browser, query) for query in expected}
    assert found == expected


async def test_a_finding_shows_its_newest_line_and_links_to_it_and_to_its_thread(database: Database) -> None:
    fill(database)
    async with Site(database=database).browser() as browser:
        text = (await browser.get("/findings/second-again")).text
        missing = await browser.get("/findings/nothing")
    assert f'href="https://github.com/octo/shop/blob/{"a" * 40}/shop/cart.py#L10"' in text
    assert 'href="https://github.com/octo/shop/pull/1#discussion_r77"' in text
    assert 'href="/reviews/first"' in text
    assert "40 d ago" in text
    assert missing.status_code == 404
    assert 'aria-label="Pages"' in missing.text
    line = load_finding(database, OPERATOR, "second-again")
    assert line
    line.finding.path, line.finding.start_line = "caf\udce9 #1?.py", 7
    assert line_url("https://g", line.finding, "b") == "https://g/octo/shop/blob/b/caf%E9%20%231%3F.py#L7-L10"
    line.finding.side = "LEFT"
    assert line_url("https://g", line.finding, "b") is None


async def test_a_models_own_word_for_a_rule_is_stored_and_shown(database: Database) -> None:
    row = review_row()
    add(database, row)
    ref = PullRequestRef(owner="octo", repo="shop", number=1)
    found = replace(finding_of(finding_row(row)), rule_id="other", own_rule="busy-loop")
    record_report(
        database,
        ReviewRequest(review_id=row.id, installation_id=7, ref=ref, trigger="opened"),
        report_with(found),
        findings=(found,),
        summary_comment_id=None,
        at=NOW,
    )
    with database.read() as session:
        stored = session.exec(select(FindingRow)).one()
    assert finding_of(stored).own_rule == "busy-loop"
    async with Site(database=database).browser() as browser:
        for page in (f"/findings/{stored.id}", f"/reviews/{row.id}"):
            assert "other: busy-loop" in (await browser.get(page)).text


async def test_every_finding_is_on_exactly_one_page(database: Database) -> None:
    review = review_row()
    rows = [finding_row(review, f"f{number:03}") for number in range(120)]
    for number, row in enumerate(rows):
        row.severity = ("low", "critical", "medium")[number % 3]
        row.created_at = NOW - timedelta(minutes=number // 7)
    add(database, review, *rows)
    async with Site(database=database).browser() as browser:
        for order in ("severity", "newest", "oldest"):
            seen: list[str] = []
            path: str | None = f"/findings?order={order}"
            while path:
                text = (await browser.get(path)).text
                seen += [piece.partition('"')[0] for piece in text.split('href="/findings/')[1:]]
                links = [
                    piece.partition('"')[0] for piece in text.split('href="') if ">Next page<" in piece[:250]
                ]
                path = links[0].replace("&amp;", "&") if links else None
            assert len(seen) == len(set(seen)) == 120
        assert (await browser.get("/findings?after=high~2026~x")).status_code == 200


async def test_an_export_cannot_run_formulas(database: Database) -> None:
    fill(database)
    async with Site(database=database).browser() as browser:
        answer = await browser.get("/findings.csv?severity=medium")
    (row,) = csv.DictReader(answer.text.split("\r\n"))
    assert row["title"] == "'=cmd|' /C calc'!A0"
    assert (row["repository"], row["state"], row["end_line"]) == ("octo/other", "open", "8")
    assert answer.headers["content-disposition"] == 'attachment; filename="findings.csv"'
    assert answer.headers["cache-control"] == "no-store"
    for start in ("=1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "\uff1d1"):
        assert str(safe_cell(start)).startswith("'")
    (_, line) = csv_lines([{"a": 'x","=1', "b": -1.5, "c": None}], ["a", "b", "c"])
    assert line == '"x"",""=1",-1.5,\r\n'


async def test_selected_findings_are_dismissed_with_a_reason_and_their_pull_requests_updated(
    database: Database,
) -> None:
    fill(database)
    site = Site(database=database)
    form = {
        "finding": ["second-again", "first-old", "second-gone", "other-dull"],
        "reason": "known, hunter2",
        "to": "/findings?severity=high",
    }
    async with site.browser() as browser:
        answer = await browser.post("/findings/dismiss", data=form, headers=FROM_HERE)
        assert await shown(browser, "") == ["unknown"]
        assert await shown(browser, "state=resolved") == ["gone"]
        assert "3 findings dismissed" in (await browser.get(answer.headers["location"])).text
        assert "the operator: known, [redacted]" in (await browser.get("/findings/second-again")).text
        form = {"finding": ["second-again"], "to": ["/findings/second-again"]}
        answer = await browser.post("/findings/reopen", data=form, headers=FROM_HERE)
        assert await shown(browser, "") == ["again", "unknown"]
    assert answer.headers["location"] == "/findings/second-again"
    refreshed = [job.request for job in site.queue.followed_up if isinstance(job, ReviewJob)]
    assert [str(each.ref) for each in refreshed] == ["octo/shop#1", "octo/other#1", "octo/shop#1"]
    assert all(each.trigger.startswith("refresh:") for each in refreshed)


async def test_a_muted_rule_hides_its_findings_in_the_path_until_a_person_removes_it(
    database: Database,
) -> None:
    fill(database)
    site = Site(database=database)
    mute = {"finding": ["second-again"], "path": "shop/*.py", "to": "/findings/second-again"}
    async with site.browser() as browser:
        bad = await browser.post("/findings/mute", data=mute | {"path": " "}, headers=FROM_HERE)
        done = await browser.post("/findings/mute", data=mute, headers=FROM_HERE)
        assert (bad.status_code, done.status_code) == (400, 303)
        assert await shown(browser, "repository=octo/shop") == []
        assert "the operator: muted for shop/*.py" in (await browser.get("/findings/first-old")).text
        (rule,) = load_rules(database, 7, "octo/shop")
        row = finding(review_row(), "again")
        report = report_with(finding_of(row))
        (rejection,) = without_dismissed(report, dismissed=(), rules=[rule]).rejected
        assert rejection.reason.startswith("null-dereference is muted for shop/*.py. Comment /undismiss ")
        row.path = "web/shop.js"
        report = report_with(finding_of(row))
        assert without_dismissed(report, dismissed=(), rules=[rule]) == report
        assert "shop/*.py" in (await browser.get("/rules")).text
        assert (await browser.post("/rules/remove", data={"id": rule.id})).status_code == 303
        assert (
            await browser.post("/rules/remove", data={"id": rule.id}, headers=FROM_HERE)
        ).status_code == 404
    (rule,) = load_rules(database, 7, "octo/shop")
    assert rule.removed_at == NOW


async def test_only_writers_decide_and_only_from_the_dashboard(database: Database) -> None:
    fill(database)
    github = FakeGitHub({"mika": {7: ["octo/shop", "octo/other"]}})
    github.writable = {"mika": ["octo/other"]}
    people = GitHubPeople("client", "client-secret", "https://api.github.com", transport=github.transport())
    site = Site(database=database, people=people)
    forms = [
        {"finding": ["second-again"]},
        {"finding": ["second-again", "other-dull"]},
        {"finding": ["none"]},
    ]
    async with site.browser(signed_in=False) as browser:
        assert (await browser.post("/findings/dismiss", data=forms[1], headers=FROM_HERE)).status_code == 303
        await sign_in(browser, "mika")
        text = (await browser.get("/findings")).text
        assert 'value="other-dull"' in text
        assert 'value="second-again"' not in text
        for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
            assert (
                await browser.post("/findings/dismiss", data=forms[1], headers=headers)
            ).status_code == 403
        answers = [await browser.post("/findings/dismiss", data=form, headers=FROM_HERE) for form in forms]
        assert [answer.status_code for answer in answers] == [403, 303, 404]
        assert answers[1].headers["location"] == "/findings?dismissed=1"
        assert await shown(browser, "state=dismissed") == ["dull"]
    assert load_rules(database, 7, "octo/shop") == []
