from redis.asyncio import Redis


class Counters:
    """Counts in Redis, each gone after its window."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def read(self, key: str) -> int:
        return int(await self._redis.get(key) or 0)

    async def write(self, key: str, value: int, ttl_s: int) -> None:
        await self._redis.set(key, value, ex=ttl_s)
