import asyncio
import logging

log = logging.getLogger(__name__)


async def poll_forever(poll, pause_s: float) -> None:
    """Poll until the task is cancelled; failures are logged."""
    while True:
        try:
            await poll()
        except BaseException as error:
            log.warning("poll failed: %r", error)
        await asyncio.sleep(pause_s)
