"""Alembic's entry: works on the connection and in the transaction that `app.store.migrate` hands it."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import String
from sqlmodel import SQLModel

from app.store import tables
from app.store.columns import AnyText, UtcDateTime


def render_plain_type(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:  # noqa: ANN401 - Alembic's
    """A step names SQL's own types, so that it stays true when our column types change."""
    if kind == "type" and isinstance(item, AnyText):
        return "sa.Text()"
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and getattr(item, "impl_instance", None).__class__ is String:
        return "sa.String()"
    return False


assert tables.Row  # importing the tables fills the metadata
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    transactional_ddl=True,
    render_item=render_plain_type,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
