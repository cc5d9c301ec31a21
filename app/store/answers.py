"""The response cache's rows. Every query names the tenant: no answer crosses repositories."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select
from sqlmodel import col, delete

from app.domain.model_call import CachedAnswer, Provider, Usage
from app.store.database import Database
from app.store.tables import CachedAnswerRow

_COLUMNS = [col(getattr(CachedAnswerRow, name)) for name in CachedAnswerRow.model_fields]
_LOAD = select(*_COLUMNS).where(
    col(CachedAnswerRow.installation_id) == bindparam("tenant_installation_id"),
    col(CachedAnswerRow.repository) == bindparam("tenant_repository"),
    col(CachedAnswerRow.key).in_(bindparam("keys", expanding=True)),
    col(CachedAnswerRow.expires_at) > bindparam("now"),
)
_DELETE = delete(CachedAnswerRow).where(
    col(CachedAnswerRow.installation_id) == bindparam("tenant_installation_id"),
    col(CachedAnswerRow.repository) == bindparam("tenant_repository"),
    col(CachedAnswerRow.key) == bindparam("answer_key"),
)
_INSERT = insert(CachedAnswerRow)


def load_answers(
    database: Database, installation_id: int, repository: str, keys: Sequence[str], *, now: datetime
) -> dict[str, CachedAnswer]:
    """Key → answer, of one tenant."""
    tenant = {"tenant_installation_id": installation_id, "tenant_repository": repository}
    with database.read() as session:
        rows = session.connection().execute(_LOAD, {**tenant, "keys": list(keys), "now": now}).all()
    return {row.key: _answer(row) for row in rows}


def replace_answer(connection: Connection, answer: CachedAnswer) -> None:
    """Write a row, in the transaction of `app.store.call_tables`; the newest of a key stays."""
    tenant = {
        "tenant_installation_id": answer.installation_id,
        "tenant_repository": answer.repository,
        "answer_key": answer.key,
    }
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
    connection.execute(_DELETE, tenant)
    connection.execute(_INSERT, row)


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
