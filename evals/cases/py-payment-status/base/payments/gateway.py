import requests


class Gateway:
    """Capturing is idempotent: the gateway knows an authorisation that was captured."""

    def __init__(self, session: requests.Session, base_url: str) -> None:
        self._session = session
        self._base_url = base_url

    def capture(self, authorisation: str, cents: int) -> str:
        response = self._session.post(
            f"{self._base_url}/captures", json={"authorisation": authorisation, "amount": cents}, timeout=10
        )
        response.raise_for_status()
        return response.json()["capture_id"]
