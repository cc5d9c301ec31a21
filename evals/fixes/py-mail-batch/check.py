import asyncio
import logging

from mail.newsletter import send_all

logging.disable()


class Mailer:
    def __init__(self):
        self.accepted, self.running, self.most = [], 0, 0

    async def send(self, address, text):
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.001)
        self.running -= 1
        if address.endswith("7"):
            raise OSError("full")
        self.accepted.append(address)


mailer = Mailer()
count = asyncio.run(send_all(mailer, [f"user{number}" for number in range(50)], "hello"))
assert count == 45 == len(mailer.accepted), (count, len(mailer.accepted))
assert 2 <= mailer.most <= 20, mailer.most
assert asyncio.run(send_all(Mailer(), [], "hello")) == 0
