"""The longest answers of models whose limit is lower than what Quorum allows; genai-prices does not know it.

https://platform.claude.com/docs/en/about-claude/models/overview (5.5: 128,000 tokens)
https://platform.openai.com/docs/models (GPT-5 and later: 128,000 tokens)
https://ai.google.dev/gemini-api/docs/models (65,536 tokens)
"""

from app.domain.model_call import Provider

_LIMITS = {  # by the beginning of the name, the longest that fits
    "claude-3-": 4_096,
    "claude-3-5": 8_192,
    "claude-opus-4-0": 32_000,
    "claude-opus-4-1": 32_000,
    "gpt-3.5": 4_096,
    "gpt-4": 8_192,
    "gpt-4-turbo": 4_096,
    "gpt-4.1": 32_768,
    "gpt-4o": 16_384,
    "chatgpt-4o": 16_384,
    "gemini-1": 8_192,
    "gemini-2.0": 8_192,
}
SERVER_TOKENS = 16_000  # a server often counts them against a short context


def output_limit(
    provider: Provider, model: str, wanted_tokens: int, *, context_tokens: int | None = None
) -> int:
    """Return how many output tokens to allow: what is wanted, or less if the model writes less.

    A server with a known context gets at most a quarter of it.
    """
    if provider.is_server:
        share = context_tokens // 4 if context_tokens else SERVER_TOKENS
        return min(wanted_tokens, SERVER_TOKENS, share)
    known = [name for name in _LIMITS if bare_name(model).startswith(name)]
    return min(wanted_tokens, _LIMITS[max(known, key=len)]) if known else wanted_tokens


def bare_name(model: str) -> str:
    """Return a model's own name without a cloud's or gateway's prefix: `claude-…` for `eu.anthropic.claude-…-v1:0`."""
    starts = (model.find(family) for family in ("claude-", "gpt-", "chatgpt-", "gemini-"))
    found = [start for start in starts if start >= 0]
    return model[min(found) :] if found else model
