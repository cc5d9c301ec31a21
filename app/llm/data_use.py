"""What vendors may do with what they are sent, as their terms say it: for `quorum doctor`. Never decides who is asked.

No vendor's API says of a key whether it is paid or whether its account shares data; Google's free tier alone shows itself, when
its quota is spent (`app.llm.faults`). So this says what depends on what, and where to look.

https://ai.google.dev/gemini-api/terms
https://platform.openai.com/docs/guides/your-data
https://help.openai.com/en/articles/10306912-sharing-feedback-evals-and-api-data-with-openai
https://www.anthropic.com/legal/commercial-terms
https://learn.microsoft.com/en-us/legal/cognitive-services/openai/data-privacy
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.model_call import Provider


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
