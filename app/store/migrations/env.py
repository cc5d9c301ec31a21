"""Alembic's entry point: uses the connection and transaction of `app.store.migrations`."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import String

from app.store.columns import AnyText, UtcDateTime
from app.store.migrations import METADATA, VERSION_TABLE


def render_plain_type(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:  # noqa: ANN401 - Alembic's
    """Render plain SQL types, so that a migration does not depend on our column types."""
    if kind == "type" and isinstance(item, AnyText):
        return "sa.Text()"
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and getattr(item, "impl_instance", None).__class__ is String:
        return "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    render_item=render_plain_type,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
