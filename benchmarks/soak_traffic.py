"""People and GitHub's sender during a soak: pull requests, pushes, commands, closes and merges. Measures nothing."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable

from github_sandbox import Pull
from github_sandbox.sandbox import post_to
from tests.durability.executed import ExecutedApp
from tests.durability.stand_ins import FILES, StandIns, faulty_file, pulls_of

INSTALLATIONS = 3
MAX_OPEN = 5
MAX_COMMITS = 8  # then a pull request is merged
REPEATED = 0.05  # share of the deliveries that GitHub sends twice
RESEND_S = 2.0  # after a refusal
TEMPORARY = (502, 503, 504)
COMMANDS = (
    "/rereview",
    "/rereview security",
    "/ask What does this change?",
    "/help",
    "/config",
    "/explain",
)


class Traffic:
    """People who work on one GitHub, and its sender, which resends each delivery until the App accepts it."""

    def __init__(self, around: StandIns, app: ExecutedApp, *, seed: int) -> None:
        self._around = around
        self._hook = around.github.hook
        self._rng = random.Random(seed)
        self._post = post_to(around.client, f"{app.url}/webhooks/github")
        self._numbers = 0
        self._repositories = [
            around.github.create_repository(f"org-{n}/shop", FILES) for n in range(INSTALLATIONS)
        ]
        self._deck: list[Callable[[], None]] = []
        self.accepted: set[str] = set()
        self.done: Counter[str] = Counter()
        self.faults: list[str] = []
        for repository in self._repositories:
            repository.set_role("alice", "admin")

    async def work(self, *, interval_s: float) -> None:
        """Do one thing after another, on average one each `interval_s`, until cancelled."""
        while True:
            if not self._deck:
                self._deck = [
                    *[self._open] * 4, *[self._push] * 6, *[self._push_quickly] * 2, *[self._command] * 6,
                    *[self._close] * 2, *[self._reopen] * 1, *[self._merge] * 2, *[self._edit] * 1,
                ]  # fmt: skip
                self._rng.shuffle(self._deck)
            self._deck.pop()()
            await asyncio.sleep(self._rng.uniform(0.2, 1.8) * interval_s)

    def _open_pulls(self) -> list[Pull]:
        return [pull for pull in pulls_of(self._around.github) if pull.state == "open"]

    def _open(self) -> None:
        if len(self._open_pulls()) >= MAX_OPEN:
            self._merge()
        repository = self._rng.choice(self._repositories)
        number = self._next_number()
        repository.open_pull(faulty_file(number), title=f"Add mean {number}", branch=f"mean-{number}")
        self.done["opened"] += 1

    def _push(self) -> None:
        pulls = [pull for pull in self._open_pulls() if len(pull.commits()) < MAX_COMMITS]
        if not pulls:
            return self._open()
        self._rng.choice(pulls).push(faulty_file(self._next_number()))
        self.done["pushed"] += 1
        return None

    def _push_quickly(self) -> None:
        for _ in range(3):
            self._push()

    def _command(self) -> None:
        if pulls := self._open_pulls():
            self._rng.choice(pulls).comment("alice", self._rng.choice(COMMANDS))
            self.done["commanded"] += 1

    def _close(self) -> None:
        if len(pulls := self._open_pulls()) > 1:
            self._rng.choice(pulls).close()
            self.done["closed"] += 1

    def _reopen(self) -> None:
        closed = [
            pull for pull in pulls_of(self._around.github)[-6:] if pull.state == "closed" and not pull.merged
        ]
        if closed:
            self._rng.choice(closed).reopen()
            self.done["reopened"] += 1

    def _merge(self) -> None:
        if pulls := self._open_pulls():
            max(pulls, key=lambda pull: len(pull.commits())).merge()
            self.done["merged"] += 1

    def _edit(self) -> None:
        if pulls := self._open_pulls():
            self._rng.choice(pulls).edit(title=f"Another title {self._next_number()}")
            self.done["edited"] += 1

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers

    async def send(self) -> None:
        """Send deliveries in order, and each again until it is accepted, until cancelled."""
        while True:
            if not self._hook.queue:
                await asyncio.sleep(0.1)
                continue
            sent = await self._hook.deliver(self._hook.queue.pop(0), self._post)
            if sent.status_code == 202:
                self.accepted.add(sent.guid)
            elif sent.status_code >= 400 and sent.status_code not in TEMPORARY:
                self.faults.append(f"{sent.event}.{sent.action} was answered {sent.status_code}")
            if sent.status_code in TEMPORARY:
                self.done["refused"] += 1
                self._hook.redeliver(sent.id)
                await asyncio.sleep(RESEND_S)
            elif self._rng.random() < REPEATED:
                self._hook.redeliver(sent.id)

    async def until_sent(self) -> None:
        """Wait until every delivery has been accepted."""
        while self._hook.queue:  # noqa: ASYNC110 - the sender empties it
            await asyncio.sleep(0.1)

    def forget(self) -> None:
        """Forget what the stand-ins recorded, so that this process does not grow either."""
        self._around.vendors.forget()
        self._around.github.requests.clear()
