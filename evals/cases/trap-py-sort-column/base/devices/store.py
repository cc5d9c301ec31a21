from typing import Any

import asyncpg


class DeviceStore:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def devices_of(self, account_id: int) -> list[dict[str, Any]]:
        rows = await self._pool.fetch(
            "SELECT id, name, model, last_seen FROM devices WHERE account_id = $1 ORDER BY name", account_id
        )
        return [dict(row) for row in rows]
