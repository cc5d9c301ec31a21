from typing import Any

import asyncpg

SORTABLE = {
    "name": "lower(name)",
    "model": "model",
    "last_seen": "last_seen",
}
DEFAULT_SORT = "name"


class UnknownColumn(ValueError):
    """Asked to sort by something that is not shown."""


def order_by(sort: str) -> str:
    """`-last_seen` becomes `last_seen DESC NULLS LAST`."""
    name, descending = (sort[1:], True) if sort.startswith("-") else (sort, False)
    try:
        column = SORTABLE[name]
    except KeyError:
        raise UnknownColumn(name) from None
    return f"{column} DESC NULLS LAST" if descending else f"{column} ASC"


class DeviceStore:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def devices_of(self, account_id: int, sort: str = DEFAULT_SORT) -> list[dict[str, Any]]:
        query = (
            "SELECT id, name, model, last_seen FROM devices WHERE account_id = $1"
            f" ORDER BY {order_by(sort)}, id"
        )
        rows = await self._pool.fetch(query, account_id)
        return [dict(row) for row in rows]
