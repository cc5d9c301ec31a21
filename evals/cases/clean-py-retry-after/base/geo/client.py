import httpx


class GeocodingFailed(Exception):
    """The geocoder did not answer with a place."""


class Geocoder:
    """Asks the geocoding service for places by address."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def locate(self, address: str) -> tuple[float, float]:
        response = self._http.get("/v1/search", params={"q": address, "limit": 1})
        if response.is_error:
            raise GeocodingFailed(f"status {response.status_code}")
        places = response.json()
        if not places:
            raise GeocodingFailed("unknown address")
        return float(places[0]["lat"]), float(places[0]["lon"])
