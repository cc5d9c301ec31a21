"""Nobody sees a row of a repository that they cannot read, on any page, on either database."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from sqlmodel import Session, SQLModel, col

from app.domain.viewer import OPERATOR, Viewer
from app.github.people import GitHubPeople
from app.store.dashboard import visible
from app.store.dashboard.comparison import load_records, load_repositories
from app.store.dashboard.lists import load_deliveries, load_review_detail
from app.store.dashboard.overview import load_overview
from app.store.dashboard.review_list import ReviewFilter, load_repository_names, load_reviews
from app.store.dashboard.teaching import load_visible_rules, load_visible_settings
from app.store.dashboard.time_series import Bucket
from app.store.database import Database
from app.store.review_tables import ReviewRow
from tests.unit.dashboard.test_sign_in import sign_in
from tests.unit.dashboard.world import NOW, PAGES, FakeGitHub, Site, add_tenant, review_row

# one's own; another one of the same installation; the same name in another installation
MINE, OTHERS = ("octo/shop", 7), (("octo/secret", 7), ("octo/shop", 8))
VIEWER = Viewer(login="mika", repositories={7: frozenset({"octo/shop"})})
SINCE = NOW.replace(day=1)


def add_tenants(database: Database) -> None:
    for number, (repository, installation) in enumerate((MINE, *OTHERS)):
        add_tenant(database, f"review-{number}", repository=repository, installation_id=installation)


def test_every_query_returns_only_rows_that_the_user_may_see(any_database: Database) -> None:
    database = any_database
    add_tenants(database)
    overview = load_overview(database, VIEWER, since=SINCE, bucket=Bucket.DAY)
    assert (overview.review_count, overview.completed, overview.finding_count) == (1, 1, 1)
    assert [model.model for model in overview.models] == ["model-of-octo/shop"]
    assert overview.models[0].calls == 1
    page = load_reviews(database, VIEWER, ReviewFilter())
    assert [line.review.id for line in page.lines] == ["review-0"]
    assert load_repository_names(database, VIEWER) == ["octo/shop"]
    shown, refuted = load_records(database, VIEWER, since=SINCE)
    assert (shown.source, shown.shown, shown.cost_usd) == ("claude:model-of-octo/shop", 1, 0.01)
    assert (refuted.source, refuted.shown, refuted.refuted) == ("claude:opus", 0, 1)
    (line,) = load_repositories(database, VIEWER, since=SINCE, now=NOW)
    assert (line.installation_id, line.reviews, line.findings) == (7, 1, 1)
    assert [rule.id for rule in load_visible_rules(database, VIEWER)] == ["review-0-rule"]
    assert [row.repository for row in load_visible_settings(database, VIEWER)] == ["octo/shop"]
    assert [row.guid for row in load_deliveries(database, VIEWER).rows] == ["review-0-delivery"]


def test_a_review_of_another_tenant_is_not_found(any_database: Database) -> None:
    add_tenants(any_database)
    assert load_review_detail(any_database, VIEWER, "review-0")
    for number in (1, 2):
        assert load_review_detail(any_database, VIEWER, f"review-{number}") is None
        assert load_review_detail(any_database, OPERATOR, f"review-{number}")


async def test_only_the_operator_sees_the_learned_order(database: Database) -> None:
    add_tenants(database)
    github = FakeGitHub({"mika": {7: ["octo/shop"]}})
    people = GitHubPeople("client", "client-secret", "https://api.github.com", transport=github.transport())
    site = Site(database=database, people=people)
    async with site.browser(signed_in=False) as person, site.browser() as operator:
        await sign_in(person, "mika")
        assert "Learned order" not in (await person.get("/models")).text
        assert "Learned order" in (await operator.get("/models")).text


@pytest.mark.parametrize("page", [*PAGES, "/reviews/review-0"])
async def test_no_page_shows_text_of_other_tenants(database: Database, page: str) -> None:
    add_tenants(database)
    github = FakeGitHub({"mika": {7: ["octo/shop"]}})
    people = GitHubPeople("client", "client-secret", "https://api.github.com", transport=github.transport())
    async with Site(database=database, people=people).browser(signed_in=False) as browser:
        await sign_in(browser, "mika")
        answer = await browser.get(page)
        for number in (1, 2):
            assert (await browser.get(f"/reviews/review-{number}")).status_code == 404
            stream = await browser.get(f"/reviews/review-{number}/events")
            assert stream.text == ""
    assert answer.status_code == 200
    assert "octo/secret" not in answer.text
    assert "review-1" not in answer.text
    assert "review-2" not in answer.text


PLACES = st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from(["a/b", "a/c", "A/b", "a/b%", "'"]))
READABLE = st.dictionaries(
    st.sampled_from([1, 2, 3]), st.frozensets(st.sampled_from(["a/b", "a/c", "a/_", "%", "'"]))
)


@pytest.mark.slow
@settings(deadline=None)
@given(places=st.lists(PLACES, max_size=6), readable=READABLE)
def test_the_visibility_rule_matches_what_the_user_can_read(
    places: list[tuple[int, str]], readable: Mapping[int, frozenset[str]]
) -> None:
    engine = create_engine("sqlite://")
    SQLModel.metadata.create_all(engine, tables=[SQLModel.metadata.tables["reviews"]])
    with Session(engine) as session:
        for number, (installation, name) in enumerate(places):
            session.add(review_row(str(number), repository=name, installation_id=installation))
        session.commit()
        statement = select(col(ReviewRow.id)).where(
            visible(Viewer(login="x", repositories=readable), ReviewRow)
        )
        seen = set(session.connection().execute(statement).scalars())
    engine.dispose()
    assert seen == {
        str(number)
        for number, (installation, name) in enumerate(places)
        if name in readable.get(installation, frozenset())
    }
