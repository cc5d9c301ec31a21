"""A locked or read-only database: the App reports it, refuses deliveries that it cannot store, and loses nothing."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.durability.app_process import AppProcess
from tests.durability.killing import faults_of
from tests.durability.many import open_pulls, send_all
from tests.durability.stand_ins import StandIns, stand_ins
from webhooks.bodies import RequestLimits

pytestmark = pytest.mark.slow


@asynccontextmanager
async def in_the_middle_of_a_review(
    folder: Path, **environment: str
) -> AsyncGenerator[tuple[StandIns, AppProcess]]:
    """The App reviews a pull request and waits for the models; the webhook of a second one waits to be sent."""
    async with stand_ins(folder, models_s=1.0) as around:
        app = AppProcess(
            folder / "app",
            around.environment(data="data", **environment),
            limits=RequestLimits(store_timeout_s=2.0),
        )
        app.start()
        try:
            await app.until_ready(around.client)
            open_pulls(around, count=1, installations=1)
            await send_all(around, app)
            while not around.vendors.requests:  # noqa: ASYNC110 - a server of this process is asked
                await asyncio.sleep(0.02)
            around.github.repositories["many-0/shop"].open_pull({"second.py": "value = 2\n"})
            yield around, app
        finally:
            app.kill()


async def refused(around: StandIns, app: AppProcess) -> None:
    """Send the waiting delivery: it is refused, and the answer says why and when to retry."""
    waiting = next(each for each in around.github.hook.queue if each.event == "pull_request")
    answer = await around.client.post(
        f"{app.url}/webhooks/github", headers=dict(waiting.headers), content=waiting.body
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    ready = await around.client.get(f"{app.url}/readyz")
    assert ready.status_code == 503
    assert "The database is unavailable" in ready.json()["reason"]
    assert (await around.client.get(f"{app.url}/healthz")).status_code == 200


async def recovered(around: StandIns, app: AppProcess) -> None:
    """Send the refused delivery again: it is accepted, and both reviews complete."""
    await app.until_ready(around.client)
    await send_all(around, app)
    while faults := faults_of(around.github):  # noqa: ASYNC110 - another process works
        await asyncio.sleep(0.05)
    assert faults == []


async def test_a_locked_database_refuses_deliveries_is_reported_and_loses_nothing(tmp_path: Path) -> None:
    async with in_the_middle_of_a_review(tmp_path) as (around, app):
        path = tmp_path / "data" / "quorum.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await refused(around, app)
        await recovered(around, app)


async def test_a_database_that_became_read_only_refuses_deliveries_is_reported_and_loses_nothing(
    tmp_path: Path, fresh_postgres: str
) -> None:
    """This happens after a failover to a server that has not been promoted yet."""
    async with in_the_middle_of_a_review(tmp_path, database_url=fresh_postgres) as (around, app):
        with read_only(fresh_postgres):
            await refused(around, app)
        await recovered(around, app)


@contextmanager
def read_only(url: str) -> Generator[None]:
    """Make new connections read-only while the block runs, and end the existing ones."""
    with psycopg.connect(url, autocommit=True) as admin:
        _set_read_only(admin, on=True)
        yield
        _set_read_only(admin, on=False)


def _set_read_only(admin: psycopg.Connection, *, on: bool) -> None:
    name = sql.Identifier(admin.info.dbname)
    admin.execute(
        sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}").format(name, sql.Literal(on))
    )
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
