"""What vendors announce about their models and their use of data, for `quorum doctor`. Never decides which model is asked.

https://platform.claude.com/docs/en/about-claude/model-deprecations
https://platform.openai.com/docs/deprecations
https://ai.google.dev/gemini-api/docs/deprecations
https://ai.google.dev/gemini-api/terms
https://platform.openai.com/docs/guides/your-data
https://help.openai.com/en/articles/10306912-sharing-feedback-evals-and-api-data-with-openai
https://www.anthropic.com/legal/commercial-terms
https://learn.microsoft.com/en-us/legal/cognitive-services/openai/data-privacy"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.domain.model_call import Provider

# As of 2026-11-22. A name stands for itself and its dated forms, not for longer names.
SHUT_DOWN_ON = {
    "claude-sonnet-4-5": date(2026, 11, 30),
    "gemini-2.5-pro": date(2026, 12, 1),
    "gemini-2.5-flash": date(2026, 12, 1),
    "gpt-5": date(2026, 12, 11),
    "gpt-5-mini": date(2026, 12, 11),
    "gpt-5-nano": date(2026, 12, 11),
    "o3": date(2026, 12, 11),
    "gpt-4.1": date(2027, 1, 14),
    "gpt-4.1-mini": date(2027, 1, 14),
    "gpt-4.1-nano": date(2027, 1, 14),
    "gpt-4o": date(2027, 1, 14),
    "gpt-4o-mini": date(2027, 1, 14),
    "gpt-5.1": date(2027, 4, 1),
    "gpt-5.4-nano": date(2027, 4, 1),
}

_DATED = re.compile(r"[-@](\d{8}|\d{4}-\d{2}-\d{2}|latest)$")


def shut_down_on(model: str) -> date | None:
    """The day from which a model no longer answers under its name; None where nothing is announced."""
    return SHUT_DOWN_ON.get(_DATED.sub("", model))


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUse:
    """What happens to code that is sent; `look`: where it is decided, None where a key of this kind leaves nothing open."""

    said: str
    look: str | None = None


OF_KEYS: Mapping[Provider, DataUse] = {
    Provider.CLAUDE: DataUse(
        said="Anthropic's commercial terms rule out training on what its API is sent; an account may opt in to it",
    ),
    Provider.GPT: DataUse(
        said="OpenAI does not train on what its API is sent, unless the organisation shares it (some do for free tokens)",
    ),
    Provider.GEMINI: DataUse(
        said="Google may train on what an unpaid key sends and have people read it (not where the EEA's, Swiss or UK terms hold), "
        "and no answer says whether this key is paid",
        look="see that AI Studio shows a paid tier for the key's project, or use Vertex AI",
    ),
}
OF_CLOUDS = DataUse(said="sent to your cloud under its terms, which allow no training without your leave")
OF_ADDRESSES = DataUse(said="sent to {host}: what is kept there is up to whoever runs it")


def data_use(provider: Provider, *, host: str | None, is_cloud: bool) -> DataUse:
    """For one configured provider; `host` is that of an address of the operator's own."""
    if is_cloud:
        return OF_CLOUDS
    if host is not None:
        return DataUse(said=OF_ADDRESSES.said.format(host=host))
    return OF_KEYS[provider]
