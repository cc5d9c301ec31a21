"""One release forward and back on the same database, with work in flight: nothing is lost, nothing is posted twice."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlmodel import select

from app.domain.model_call import Provider
from app.store.database import Database
from app.store.deliveries import DeliveryState
from app.store.job_tables import DeliveryRow
from github_sandbox import Pull
from tests.durability.executed import QUORUM, ExecutedApp
from tests.durability.killing import faults_of
from tests.durability.many import send_all
from tests.durability.releases import install_last_release
from tests.durability.stand_ins import StandIns, faulty_file, pulls_of, stand_ins

pytestmark = pytest.mark.slow

ENDLESS_S = 3_600.0
ENDED = {DeliveryState.DONE, DeliveryState.SUPERSEDED, DeliveryState.DUPLICATE}


@pytest.fixture(scope="session")
def last_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_last_release(tmp_path_factory.mktemp("release"))


@asynccontextmanager
async def running(around: StandIns, app: ExecutedApp, quorum: Path) -> AsyncGenerator[None]:
    """Run a release while the block runs, then kill it."""
    app.quorum = quorum
    app.start()
    try:
        await app.until_ready(around.client)
        yield
    finally:
        app.kill()


async def accept_work(around: StandIns, app: ExecutedApp, *, first: int) -> None:
    """Make it accept an opened pull request, quick pushes to it and a question, and wait until models read the first."""
    around.vendors.delay_s = dict.fromkeys(Provider, ENDLESS_S)
    around.vendors.forget()
    pull = around.github.repositories["many-0/shop"].open_pull(
        faulty_file(first), title=f"Mean {first}", branch=f"mean-{first}"
    )
    await send_all(around, app)
    while not around.vendors.requests:  # noqa: ASYNC110 - a server of this process is asked
        await asyncio.sleep(0.05)
    for number in range(first + 1, first + 4):
        pull.push(faulty_file(number))
    pull.comment("alice", "/help")
    await send_all(around, app)


async def finished(around: StandIns) -> None:
    """Wait until every pull request has been reviewed and every question was answered."""
    around.vendors.delay_s.clear()
    while faults_of(around.github) or not all(map(answers, pulls_of(around.github))):  # noqa: ASYNC110 - another process works
        await asyncio.sleep(0.1)


def answers(pull: Pull) -> int:
    """How often a question about the commands was answered."""
    return sum("/rereview" in each.body and each.user is pull.hub.bot for each in pull.issue_comments)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_a_release_finishes_what_the_one_before_or_after_it_accepted(
    engine: str, tmp_path: Path, last_release: Path, request: pytest.FixtureRequest
) -> None:
    url = None if engine == "sqlite" else request.getfixturevalue("fresh_postgres")
    async with stand_ins(tmp_path) as around:
        app = ExecutedApp(tmp_path / "app", around.environment(data="data", database_url=url))
        around.github.create_repository("many-0/shop", {"shop/__init__.py": ""}).set_role("alice", "admin")
        async with running(around, app, last_release):
            await accept_work(around, app, first=10)
        async with running(around, app, QUORUM):
            await finished(around)
            await accept_work(around, app, first=20)
        async with running(around, app, last_release):
            await finished(around)
            while await asyncio.to_thread(unfinished, app_database(tmp_path, url)):  # noqa: ASYNC110 - another process works
                await asyncio.sleep(0.1)
        assert [answers(pull) for pull in pulls_of(around.github)] == [1, 1]
    assert await asyncio.to_thread(states, app_database(tmp_path, url)) <= ENDED


def app_database(folder: Path, url: str | None) -> str:
    """The address of the App's database."""
    return url or f"sqlite:///{folder / 'data' / 'quorum.db'}"


def unfinished(url: str) -> set[str]:
    """The states of deliveries that are queued or running."""
    return states(url) & {DeliveryState.QUEUED, DeliveryState.RUNNING}


def states(url: str) -> set[str]:
    """The states of all deliveries."""
    database = Database(url)
    with database.read() as session:
        found = session.exec(select(DeliveryRow.state).distinct()).all()
    database.close()
    return set(found)
