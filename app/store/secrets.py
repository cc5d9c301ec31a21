"""Secrets that Quorum makes for itself (dashboard's token, key of the fences): one row each. Never logs a value."""

import secrets
from collections.abc import Callable
from datetime import datetime

from app.clock import utc_now
from app.store.database import Database, serialise
from app.store.tables import SecretRow

BYTES = 32
FENCE = "fence"  # key of the fences round untrusted text, and of the hidden markers
DASHBOARD = "dashboard"  # token of dashboard, API and metrics where the operator sets none
MCP = "mcp"  # token of /mcp where the operator sets none


def load_or_create_secret(database: Database, name: str, *, clock: Callable[[], datetime] = utc_now) -> str:
    """The secret of this name; made the first time, the same for every process afterwards."""
    with database.read() as session:
        row = session.get(SecretRow, name)
    if row:
        return row.value
    with database.write() as session:
        serialise(session, f"secret:{name}")
        row = session.get(SecretRow, name)  # another process may have been first
        if row is None:
            row = SecretRow(name=name, value=secrets.token_urlsafe(BYTES), created_at=clock())
            session.add(row)
        return row.value
