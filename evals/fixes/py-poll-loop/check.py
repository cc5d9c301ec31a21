import asyncio
import logging
import os

from poll.loop import poll_forever

logging.disable()


async def main():
    count = 0

    async def poll():
        nonlocal count
        count += 1
        if count <= 2:
            raise OSError("down")
        await asyncio.sleep(60)

    task = asyncio.create_task(poll_forever(poll, 0))
    for _ in range(20):
        await asyncio.sleep(0)
    assert count == 3, count
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=0.3)
    if not done:
        os._exit(1)  # it goes on after its cancellation
    assert task.cancelled()


asyncio.run(main())
