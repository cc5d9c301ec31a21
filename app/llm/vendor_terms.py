"""What vendors announce about their models and their use of data, for `quorum doctor`. Never decides which model is asked.

https://platform.claude.com/docs/en/about-claude/model-deprecations
https://platform.openai.com/docs/deprecations
https://ai.google.dev/gemini-api/docs/deprecations
https://ai.google.dev/gemini-api/terms
https://platform.openai.com/docs/guides/your-data
https://help.openai.com/en/articles/10306912-sharing-feedback-evals-and-api-data-with-openai
https://www.anthropic.com/legal/commercial-terms
https://learn.microsoft.com/en-us/legal/cognitive-services/openai/data-privacy
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from app.domain.model_call import Provider

# As of 2026-11-22. A name covers its dated forms, but not longer names.
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
    """Return the day on which a model shuts down; None if none is announced."""
    return SHUT_DOWN_ON.get(_DATED.sub("", model))


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUse:
    """How a vendor may use the code it receives; `look` says where to check, None if there is nothing to check.

    No vendor's API shows whether a key is paid or whether its account shares data. Google's free tier is recognized only
    when its quota is exhausted (`app.llm.failures`).
    """

    statement: str
    look: str | None = None


OF_KEYS: Mapping[Provider, DataUse] = {
    Provider.CLAUDE: DataUse(
        statement="Anthropic's commercial terms rule out training on API requests; an account can opt in",
    ),
    Provider.GPT: DataUse(
        statement="OpenAI does not train on API requests unless the organization shares them (some do for free tokens)",
    ),
    Provider.GEMINI: DataUse(
        statement="Google may train on requests of an unpaid key and have people read them (not under the EEA, Swiss or UK terms), "
        "and the API does not show whether this key is paid",
        look="check that AI Studio shows a paid tier for the key's project, or use Vertex AI",
    ),
}
OF_CLOUDS = DataUse(
    statement="sent to your cloud under its terms, which do not allow training without your permission"
)
OF_ADDRESSES = DataUse(statement="sent to {host}: its operator decides what is kept there")


def data_use(provider: Provider, *, host: str | None, is_cloud: bool) -> DataUse:
    """Return the data use of one configured provider; `host` is that of the operator's own server, if any."""
    if is_cloud:
        return OF_CLOUDS
    if host is not None:
        return DataUse(statement=OF_ADDRESSES.statement.format(host=host))
    return OF_KEYS[provider.api]
