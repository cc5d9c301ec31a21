class Sessions:
    def __init__(self) -> None:
        self._expires: dict[str, float] = {}

    def add(self, name: str, expires_at: float) -> None:
        self._expires[name] = expires_at

    def __contains__(self, name: str) -> bool:
        return name in self._expires
