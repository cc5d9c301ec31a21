"""The learned order finds the better provider, follows when one degrades, and never stops trying the others."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from inline_snapshot import snapshot

from app.domain.model_call import Provider, ProviderRecord
from app.llm.learned import FLOOR, REFRESH_S, LearnedOrder, routing_figures
from app.llm.router import favorites_of
from tests.unit.llm.harness import ManualClock

CLAUDE, GPT, GEMINI = Provider.CLAUDE, Provider.GPT, Provider.GEMINI
CANDIDATES = (CLAUDE, GPT, GEMINI)
WINDOW = 100


@dataclass
class History:
    """A synthetic world: each provider answers and is right with its own chance; records are a sliding window, as stored."""

    rng: Random
    answers: Mapping[Provider, float]
    holds: Mapping[Provider, float]
    latest: dict[Provider, deque[tuple[bool, bool]]] = field(
        default_factory=lambda: {provider: deque(maxlen=WINDOW) for provider in CANDIDATES}
    )

    def review(self, provider: Provider) -> None:
        answered = self.rng.random() < self.answers[provider]
        held = self.rng.random() < self.holds[provider]
        self.latest[provider].append((answered, held))

    async def load_records(self) -> Sequence[ProviderRecord]:
        return [
            ProviderRecord(
                stage="review",
                provider=provider,
                calls=len(latest),
                answered=sum(answered for answered, _ in latest),
                held=sum(answered and held for answered, held in latest),
                fell=sum(answered and not held for answered, held in latest),
            )
            for provider, latest in self.latest.items()
        ]


async def run(history: History, order: LearnedOrder, clock: ManualClock, reviews: int) -> Counter[Provider]:
    """Count which provider was asked first, over a number of reviews."""
    firsts: Counter[Provider] = Counter()
    for _ in range(reviews):
        clock.pass_s(REFRESH_S + 1)
        await order.refresh()
        ordered, _ = order.order("review", CANDIDATES)
        firsts[ordered[0]] += 1
        history.review(ordered[0])
    return firsts


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("best", CANDIDATES)
async def test_the_better_provider_is_found_within_100_reviews(best: Provider, seed: int) -> None:
    clock = ManualClock()
    history = History(
        rng=Random(seed),
        answers=dict.fromkeys(CANDIDATES, 0.97),
        holds={provider: 0.8 if provider is best else 0.4 for provider in CANDIDATES},
    )
    order = LearnedOrder(store=history, clock=clock, rng=Random(seed + 100))
    await run(history, order, clock, 100)
    assert (await run(history, order, clock, 50)).most_common(1)[0][0] is best
    figures = routing_figures(await history.load_records(), favorites_of)
    assert next(figure.provider for figure in figures if figure.place == 1) is best


@pytest.mark.parametrize("seed", range(10))
async def test_the_order_follows_when_a_provider_degrades(seed: int) -> None:
    clock = ManualClock()
    history = History(
        rng=Random(seed),
        answers=dict.fromkeys(CANDIDATES, 0.97),
        holds={CLAUDE: 0.8, GPT: 0.6, GEMINI: 0.4},
    )
    order = LearnedOrder(store=history, clock=clock, rng=Random(seed + 100))
    await run(history, order, clock, 150)
    history.answers = {CLAUDE: 0.3, GPT: 0.97, GEMINI: 0.97}
    await run(history, order, clock, 100)
    assert (await run(history, order, clock, 50)).most_common(1)[0][0] is not CLAUDE


async def test_even_the_worst_provider_is_sometimes_asked_first() -> None:
    clock = ManualClock()
    history = History(
        rng=Random(1), answers=dict.fromkeys(CANDIDATES, 1.0), holds={CLAUDE: 0.99, GPT: 0.99, GEMINI: 0.0}
    )
    for _ in range(WINDOW):
        for provider in CANDIDATES:
            history.review(provider)
    order = LearnedOrder(store=history, clock=clock, rng=Random(2))
    await order.refresh()
    firsts = Counter(order.order("review", CANDIDATES)[0][0] for _ in range(4_000))
    assert firsts[GEMINI] / 4_000 == pytest.approx(FLOOR, abs=0.015)


async def test_without_a_history_every_provider_has_a_chance_and_the_favorite_the_best() -> None:
    history = History(rng=Random(1), answers={}, holds={})
    order = LearnedOrder(store=history, clock=ManualClock(), rng=Random(3))
    firsts = Counter(order.order("review", CANDIDATES)[0][0] for _ in range(3_000))
    assert firsts[CLAUDE] > firsts[GPT] > 500
    assert firsts[GEMINI] > 500


async def test_the_same_seed_gives_the_same_order_and_no_provider_is_lost() -> None:
    history = History(rng=Random(1), answers={}, holds={})
    made = [LearnedOrder(store=history, clock=ManualClock(), rng=Random(9)) for _ in range(2)]
    orders = [[each.order("docs", CANDIDATES) for _ in range(20)] for each in made]
    assert orders[0] == orders[1]
    assert all(set(order) == set(CANDIDATES) for order, _ in orders[0])


async def test_of_two_equal_providers_the_cheaper_and_faster_one_wins() -> None:
    claude = ProviderRecord(
        stage="review",
        provider=CLAUDE,
        calls=100,
        answered=97,
        held=60,
        fell=20,
        cost_usd=5.0,
        average_ms=60_000,
    )
    records = [claude, replace(claude, provider=GPT, cost_usd=0.5, average_ms=6_000)]
    assert [figure.provider for figure in routing_figures(records, favorites_of)] == [GPT, CLAUDE]


def test_of_two_equal_providers_the_one_that_finds_what_no_other_does_wins() -> None:
    claude = ProviderRecord(
        stage="review", provider=CLAUDE, calls=100, answered=97, held=60, fell=20, cost_usd=1.0
    )
    records = [replace(claude, held_alone=4), replace(claude, provider=GPT, held_alone=40, cost_usd=2.0)]
    figures = routing_figures(records, favorites_of)
    assert [(figure.provider, figure.held_alone) for figure in figures] == [(GPT, 40), (CLAUDE, 4)]


def test_the_figures_have_intervals() -> None:
    records = [
        ProviderRecord(
            stage="review",
            provider=CLAUDE,
            calls=40,
            answered=39,
            held=12,
            fell=3,
            average_ms=9_000,
            cost_usd=4.0,
        ),
        ProviderRecord(stage="review", provider=GPT, calls=2, answered=1),
        ProviderRecord(stage="docs", provider=GEMINI, calls=5, answered=5),
    ]
    figures = [
        (
            figure.stage,
            figure.place,
            figure.provider.value,
            figure.success_rate,
            tuple(round(bound, 2) for bound in figure.success_interval),
            figure.held_share,
            tuple(round(bound, 2) for bound in figure.held_interval),
        )
        for figure in routing_figures(records, favorites_of)
    ]
    assert figures == snapshot(
        [
            ("docs", 1, "gemini", 1.0, (0.54, 1.0), None, (0.03, 0.97)),
            ("review", 1, "claude", 0.975, (0.87, 0.99), 0.8, (0.54, 0.93)),
            ("review", 2, "gpt", 0.5, (0.09, 0.91), None, (0.03, 0.97)),
        ]
    )
