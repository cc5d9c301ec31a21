import asyncio
import sys
import types


class Redis:
    """A few commands of Redis, each after a turn of the loop."""

    values: dict = {}

    async def get(self, key):
        await asyncio.sleep(0)
        return self.values.get(key)

    async def set(self, key, value, ex=None, nx=False, **kwargs):
        await asyncio.sleep(0)
        if nx and key in self.values:
            return None
        self.values[key] = int(value)
        return True

    async def incrby(self, key, amount=1):
        await asyncio.sleep(0)
        self.values[key] = self.values.get(key, 0) + amount
        return self.values[key]

    incr = incrby

    async def decr(self, key):
        return await self.incrby(key, -1)

    async def expire(self, *args, **kwargs):
        await asyncio.sleep(0)
        return True

    def __getattr__(self, name):
        raise SystemExit(77)  # a command that is not known here


redis, redis_asyncio = types.ModuleType("redis"), types.ModuleType("redis.asyncio")
redis_asyncio.Redis = Redis
sys.modules |= {"redis": redis, "redis.asyncio": redis_asyncio}

from partner.counters import Counters
from partner.limiter import LIMIT, Limiter, LimitReached


async def taken(limiters, calls):
    Redis.values = {}

    async def take(number):
        try:
            return await limiters[number % len(limiters)].take("acme", 5)
        except LimitReached:
            return None

    return [each for each in await asyncio.gather(*map(take, range(calls))) if each is not None]


one = Limiter(Counters(Redis()))
for calls in (1, LIMIT, LIMIT * 3):
    left = asyncio.run(taken([one], calls))
    assert sorted(left, reverse=True) == list(range(LIMIT - 1, LIMIT - 1 - min(calls, LIMIT), -1)), left
several = [Limiter(Counters(Redis())) for _ in range(3)]
if len(asyncio.run(taken(several, LIMIT * 3))) != LIMIT:
    raise SystemExit(77)  # right within one process, but not over all of them
