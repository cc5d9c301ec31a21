async def send_all(mailer, addresses: list[str], text: str) -> int:
    sent = 0
    for address in addresses:
        await mailer.send(address, text)
        sent += 1
    return sent
