import time

import httpx

from partner.counters import Counters
from partner.limiter import WINDOW_S, Limiter


class PartnerClient:
    def __init__(self, http: httpx.AsyncClient, counters: Counters) -> None:
        self._http = http
        self._limiter = Limiter(counters)

    async def quote(self, account: str, basket: dict) -> dict:
        await self._limiter.take(account, int(time.time()) // WINDOW_S)
        response = await self._http.post(f"/accounts/{account}/quotes", json=basket)
        response.raise_for_status()
        return response.json()
