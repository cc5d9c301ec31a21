"""What the recorded reviews say of each provider at each stage; the learned order is made of these figures. Values only."""

from dataclasses import dataclass

from app.domain.model_call import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRecord:
    """One provider's record at one stage.

    `held` findings were confirmed by another vendor or resolved by the authors, and not dismissed; `fell` ones were refuted or
    dismissed. Findings of which nothing is known yet count as neither.
    """

    stage: str
    provider: Provider
    calls: int = 0  # attempts on the wire
    answered: int = 0  # of them with a good answer
    held: int = 0
    fell: int = 0
    average_ms: float = 0.0  # of the good answers
    cost_usd: float = 0.0  # of all attempts whose price is known
