from partner.counters import Counters

WINDOW_S = 60
LIMIT = 10


class LimitReached(Exception):
    """The account has used up its calls of this minute."""


class Limiter:
    """At most `LIMIT` calls an account and minute, over all processes."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    async def take(self, account: str, minute: int) -> int:
        """Count one call; returns how many are left."""
        key = f"partner:{account}:{minute}"
        used = await self._counters.read(key)
        if used >= LIMIT:
            raise LimitReached(account)
        await self._counters.write(key, used + 1, WINDOW_S * 2)
        return LIMIT - used - 1
