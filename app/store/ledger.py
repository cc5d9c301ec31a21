"""Records writes to GitHub so that each happens at most once, also across crashes (docs/decisions/0006-ledger.md).

A write's key is committed as started before the write and as done after it. A process whose lease has expired starts no
writes. Never writes to GitHub itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import col, select, update

from app.clock import utc_now
from app.store.database import Database, serialize
from app.store.job_tables import WriteRow
from app.store.processes import require_lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A started write; `github_id` is None if its outcome is unknown."""

    github_id: int | None


def load_begun(database: Database, prefix: str) -> dict[str, dict[str, Begun]]:
    """Map ledger → key → write, for all ledgers whose name starts with `prefix`."""
    return _load(database, col(WriteRow.review_id).startswith(prefix, autoescape=True))


def load_ledgers(database: Database, names: Collection[str]) -> dict[str, dict[str, Begun]]:
    """Map ledger → key → write, for the named ledgers that have any writes."""
    return _load(database, col(WriteRow.review_id).in_(names))


def _load(database: Database, condition: ColumnElement[bool]) -> dict[str, dict[str, Begun]]:
    begun: dict[str, dict[str, Begun]] = defaultdict(dict)
    with database.read() as session:
        for row in session.exec(select(WriteRow).where(condition)):
            begun[row.review_id][row.key] = Begun(github_id=row.github_id)
    return dict(begun)


def move_writes(database: Database, keys: Collection[str], *, of: str, into: str) -> None:
    """Move started writes to another review, except for keys that it has started itself."""
    with database.write() as session:
        own = select(WriteRow.key).where(WriteRow.review_id == into)
        moved = update(WriteRow).where(
            col(WriteRow.review_id) == of, col(WriteRow.key).in_(keys), col(WriteRow.key).not_in(own)
        )
        session.exec(moved.values(review_id=into))


class Ledger:
    """`app.domain.publication.WriteLedger` for one review. Without `executor_id` no other process can take over."""

    def __init__(
        self,
        database: Database,
        review_id: str,
        *,
        executor_id: str | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._review_id = review_id
        self._executor_id = executor_id
        self._clock = clock

    async def write_once(
        self, key: str, *, find: Callable[[], Awaitable[int | None]], write: Callable[[], Awaitable[int]]
    ) -> int:
        """Write once under `key`; return GitHub's ID of the result, from now or earlier.

        `find` is called only if an earlier attempt started and did not finish: GitHub may have the result.
        """
        begun_before, github_id = await asyncio.to_thread(self._begin, key)
        if github_id is not None:
            return github_id
        if begun_before:
            github_id = await find()
        if github_id is None:
            github_id = await write()
        await asyncio.to_thread(self._finish, key, github_id)
        return github_id

    def _begin(self, key: str) -> tuple[bool, int | None]:
        with self._database.write() as session:
            serialize(session, f"write:{self._review_id}:{key}")
            if self._executor_id:
                require_lease(session, self._executor_id)
            row = session.get(WriteRow, (self._review_id, key))
            if row is not None:
                return True, row.github_id
            session.add(WriteRow(review_id=self._review_id, key=key, begun_at=self._clock()))
            return False, None

    def _finish(self, key: str, github_id: int) -> None:
        with self._database.write() as session:
            row = session.get_one(WriteRow, (self._review_id, key))
            row.github_id, row.done_at = github_id, self._clock()
