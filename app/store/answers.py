"""The response cache's rows. Every query names the tenant: no answer crosses repositories."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import col, delete

from app.domain.model_call import CachedAnswer, Provider, Usage
from app.store.columns import storable
from app.store.database import Database
from app.store.driver import Driver, Insert
from app.store.tables import CachedAnswerRow, table_of

_COLUMNS = [col(getattr(CachedAnswerRow, name)) for name in CachedAnswerRow.model_fields]
_LOAD = select(*_COLUMNS).where(
    col(CachedAnswerRow.installation_id) == bindparam("tenant_installation_id"),
    col(CachedAnswerRow.repository) == bindparam("tenant_repository"),
    col(CachedAnswerRow.key).in_(bindparam("keys", expanding=True)),
    col(CachedAnswerRow.expires_at) > bindparam("now"),
)
_REPLACE = Insert(
    table_of(CachedAnswerRow),
    on_conflict="ON CONFLICT (installation_id, repository, key) DO UPDATE SET "
    + ", ".join(
        f"{name} = excluded.{name}"
        for name in CachedAnswerRow.model_fields
        if name not in ("installation_id", "repository", "key")
    ),
)


def load_answers(
    database: Database, installation_id: int, repository: str, keys: Sequence[str], *, now: datetime
) -> dict[str, CachedAnswer]:
    """Key → answer, of one tenant."""
    if not _is_any_kept(database, installation_id, repository, keys):
        return {}
    tenant = {"tenant_installation_id": installation_id, "tenant_repository": repository}
    with database.read() as session:
        rows = session.connection().execute(_LOAD, {**tenant, "keys": list(keys), "now": now}).all()
    return {row.key: _answer(row) for row in rows}


def _is_any_kept(database: Database, installation_id: int, repository: str, keys: Sequence[str]) -> bool:
    """Whether it is worth loading: most questions are new, and a call waits for the look-up."""
    with database.driver(writes=False) as driver:
        places = ", ".join(driver.place for _ in keys)
        return driver.exists(
            f"SELECT 1 FROM cached_answers WHERE installation_id = {driver.place} "  # noqa: S608 - placeholders
            f"AND repository = {driver.place} AND key IN ({places}) LIMIT 1",
            (installation_id, storable(repository), *keys),
        )


def replace_answer(driver: Driver, answer: CachedAnswer) -> None:
    """Write a row, in the transaction of `app.store.call_tables`; the newest of a key stays."""
    row = {
        "installation_id": answer.installation_id,
        "repository": answer.repository,
        "key": answer.key,
        "provider": answer.provider.value,
        "model": answer.model,
        "prompt_id": answer.prompt_id,
        "prompt_version": answer.prompt_version,
        "answer": answer.value,
        "input_tokens": answer.usage.input_tokens,
        "cached_input_tokens": answer.usage.cached_input_tokens,
        "output_tokens": answer.usage.output_tokens,
        "created_at": answer.created_at,
        "expires_at": answer.expires_at,
    }
    _REPLACE.execute(driver, [row])


def delete_expired_answers(database: Database, *, now: datetime) -> int:
    """Forget what may no longer be used; how many there were."""
    with database.write() as session:
        return session.exec(delete(CachedAnswerRow).where(col(CachedAnswerRow.expires_at) <= now)).rowcount


def _answer(row: Any) -> CachedAnswer:  # noqa: ANN401 - a row of `_LOAD`
    return CachedAnswer(
        installation_id=row.installation_id,
        repository=row.repository,
        key=row.key,
        provider=Provider(row.provider),
        model=row.model,
        prompt_id=row.prompt_id,
        prompt_version=row.prompt_version,
        value=row.answer,
        usage=Usage(
            input_tokens=row.input_tokens,
            cached_input_tokens=row.cached_input_tokens,
            output_tokens=row.output_tokens,
        ),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
