DEFAULTS = {"mail": {"digest": True, "news": False}, "sms": {"alerts": True}}


class Preferences:
    """What one user gets; starts as the defaults."""

    def __init__(self) -> None:
        self._values = DEFAULTS.copy()

    def set(self, channel: str, kind: str, wanted: bool) -> None:
        self._values[channel][kind] = wanted

    def wants(self, channel: str, kind: str) -> bool:
        return self._values[channel][kind]

    def reset(self) -> None:
        """Return to the defaults."""
        self._values = DEFAULTS.copy()
