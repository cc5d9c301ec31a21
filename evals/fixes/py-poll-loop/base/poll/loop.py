import asyncio


async def poll_forever(poll, pause_s: float) -> None:
    while True:
        await poll()
        await asyncio.sleep(pause_s)
