import asyncio
import logging

log = logging.getLogger(__name__)
MAX_AT_ONCE = 20


async def send_all(mailer, addresses: list[str], text: str) -> int:
    """Send to all addresses, at most 20 at once; returns how many mails were accepted."""
    slots = asyncio.Semaphore(MAX_AT_ONCE)
    sent = 0

    async def send(address: str) -> None:
        nonlocal sent
        async with slots:
            try:
                await mailer.send(address, text)
            except OSError as error:
                log.warning("not sent to %s: %s", address, error)
            else:
                sent += 1

    for address in addresses:
        asyncio.create_task(send(address))
    return sent
