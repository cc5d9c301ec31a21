import httpx

from partner.counters import Counters


class PartnerClient:
    def __init__(self, http: httpx.AsyncClient, counters: Counters) -> None:
        self._http = http
        self._counters = counters

    async def quote(self, account: str, basket: dict) -> dict:
        response = await self._http.post(f"/accounts/{account}/quotes", json=basket)
        response.raise_for_status()
        return response.json()
