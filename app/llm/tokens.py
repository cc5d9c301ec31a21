"""Estimates tokens without network: characters by language, a factor by vendor, corrected by what each answer reports.

Measured with o200k on real files; unknown languages and mixed text take a rate that over-counts. Never exact: leave a reserve.
"""

from app.domain.model_call import Provider

CHARACTERS_PER_TOKEN = {
    "python": 4.10,
    "typescript": 4.29,
    "tsx": 4.29,
    "javascript": 3.81,
    "jsx": 3.81,
    "java": 4.92,
    "go": 3.45,
    "yaml": 4.09,
    "json": 3.54,
    "markdown": 3.93,
    "css": 3.32,
    "scss": 3.32,
    "html": 3.90,
}
UNKNOWN_LANGUAGE = 3.0
WIDE = 1.4  # Chinese, Japanese, Korean and other text outside of the alphabets

VENDOR_FACTOR = {
    Provider.CLAUDE: 1.35,  # its tokenizer yields more from Opus 4.7 on
    Provider.GPT: 1.1,
    Provider.GEMINI: 1.1,
    Provider.LOCAL: 1.2,
    Provider.ANALYZERS: 1.0,
}

_FIRST_WIDE = "\u2e80"  # from here on: East Asian scripts, then symbols and emoji
_WEIGHT = 0.1  # of the newest answer in the moving average


def estimate_tokens(text: str, *, language: str | None = None) -> int:
    """Tokens of a text before any vendor's factor; `language` is a name of `app.syntax.language_of`."""
    wide = 0 if text.isascii() else sum(character >= _FIRST_WIDE for character in text)
    rate = CHARACTERS_PER_TOKEN.get(language or "", UNKNOWN_LANGUAGE)
    return round((len(text) - wide) / rate + wide / WIDE)


class TokenEstimator:
    """Estimates for a vendor's model; learns from each answer's usage. In memory, one per process."""

    def __init__(self) -> None:
        self._correction: dict[tuple[Provider, str], float] = {}

    def estimate(self, text_tokens: int, *, provider: Provider, model: str) -> int:
        """The vendor's tokens for a text of `text_tokens` by `estimate_tokens`."""
        return round(text_tokens * VENDOR_FACTOR[provider] * self._correction.get((provider, model), 1.0))

    def learn(self, text_tokens: int, reported_tokens: int, *, provider: Provider, model: str) -> None:
        """Correct the model's estimates by what an answer reported; nonsense (0, or off by more than 4) is ignored."""
        expected = text_tokens * VENDOR_FACTOR[provider]
        ratio = reported_tokens / expected if expected else 0.0
        if 0.25 <= ratio <= 4.0:
            before = self._correction.get((provider, model), 1.0)
            self._correction[provider, model] = before + _WEIGHT * (ratio - before)
