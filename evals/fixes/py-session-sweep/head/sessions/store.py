class Sessions:
    def __init__(self) -> None:
        self._expires: dict[str, float] = {}

    def add(self, name: str, expires_at: float) -> None:
        self._expires[name] = expires_at

    def __contains__(self, name: str) -> bool:
        return name in self._expires

    def sweep(self, now: float) -> int:
        """Remove the sessions that have expired by now; returns how many."""
        removed = 0
        for name, expires_at in self._expires.items():
            if expires_at <= now:
                del self._expires[name]
                removed += 1
        return removed
