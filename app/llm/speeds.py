"""How long an attempt may take: the tokens that the model may write, at the speed seen. In memory, one per process."""

from app.domain.model_call import Provider, Usage

START_S = 30.0  # until the first token
MIN_TIMEOUT_S = 60.0
MIN_MEASURED_TOKENS = 200  # a shorter answer says little about the speed
_WEIGHT = 0.3  # of the latest answer in the moving average

TOKENS_PER_S = {  # until an answer was seen; slow on purpose
    Provider.CLAUDE: 60.0,
    Provider.GPT: 60.0,
    Provider.GEMINI: 100.0,
    Provider.LOCAL: 20.0,
}


class Speeds:
    """The output tokens per second of each model."""

    def __init__(self, *, limit_s: float | None = None) -> None:
        self._limit_s = limit_s  # the operator's limit of an attempt, in place of what follows from the speed
        self._tokens_per_s: dict[tuple[Provider, str], float] = {}

    def timeout_s(self, provider: Provider, model: str, output_tokens: int) -> float:
        """Return how long an attempt with this output limit may take."""
        if self._limit_s is not None:
            return self._limit_s
        speed = self._tokens_per_s.get((provider, model), TOKENS_PER_S[provider.api])
        return max(START_S + output_tokens / speed, MIN_TIMEOUT_S)

    def learn(self, provider: Provider, model: str, usage: Usage, *, duration_s: float) -> None:
        """Learn from an answer."""
        if usage.output_tokens < MIN_MEASURED_TOKENS or duration_s <= 0.0:
            return
        seen = usage.output_tokens / duration_s
        before = self._tokens_per_s.get((provider, model), seen)
        self._tokens_per_s[provider, model] = before + _WEIGHT * (seen - before)
