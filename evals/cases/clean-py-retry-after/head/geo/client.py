import time
from collections.abc import Callable

import httpx

MAX_ATTEMPTS = 3
DEFAULT_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0


class GeocodingFailed(Exception):
    """The geocoder did not answer with a place."""


class Geocoder:
    """Asks the geocoding service for places by address."""

    def __init__(self, http: httpx.Client, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._http = http
        self._sleep = sleep

    def locate(self, address: str) -> tuple[float, float]:
        response = self._get("/v1/search", {"q": address, "limit": 1})
        if response.is_error:
            raise GeocodingFailed(f"status {response.status_code}")
        places = response.json()
        if not places:
            raise GeocodingFailed("unknown address")
        return float(places[0]["lat"]), float(places[0]["lon"])

    def _get(self, path: str, params: dict[str, str | int]) -> httpx.Response:
        """The answer; the last one if the service still limits us after all attempts."""
        response = self._http.get(path, params=params)
        for _ in range(MAX_ATTEMPTS - 1):
            if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            self._sleep(_wait_s(response.headers.get("Retry-After")))
            response = self._http.get(path, params=params)
        return response


def _wait_s(retry_after: str | None) -> float:
    if retry_after is None or not retry_after.isascii() or not retry_after.isdigit():
        return DEFAULT_WAIT_S
    return min(float(retry_after), LONGEST_WAIT_S)
