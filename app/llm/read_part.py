"""Notices a server that cut the request in silence: it reports far fewer input tokens than the text can have.

Ollama keeps the end of a prompt that is longer than `num_ctx` and answers as if nothing had happened; only the reported
tokens tell. https://github.com/ollama/ollama/issues/8099, https://github.com/ollama/ollama/issues/17427

The bound comes from measurements with six tokenizers (o200k, cl100k, Llama 3, Qwen 2.5, Gemini, Mistral) on 440 excerpts
of code, documentation and licenses: none made fewer than 1.3 tokens of a run of letters, or a token of more than 6.1 characters.
"""

import re

from app.domain.model_call import Provider
from app.errors import ModelReadPart
from app.llm.client import ModelRequest, ModelResponse
from app.llm.failures import name_of

FEWEST_PER_WORD = 1.15
FEWEST_PER_CHARACTER = 1 / 6.5
MIN_JUDGED_TOKENS = 300  # no server has a shorter context
USUAL_PER_WORD = 1.6  # nine of ten excerpts of code have more

_WORD = re.compile(r"[^\W\d_]+")


def check_read(request: ModelRequest, response: ModelResponse) -> None:
    """Compare the reported input tokens, cached ones included, with the fewest that the texts can have.

    Images only add tokens. A server that reports no usage cannot be checked.

    Raises:
        ModelReadPart: the model did not see the whole request.
    """
    reported = response.usage.input_tokens
    if reported == 0:
        return
    characters = sum(map(len, request.texts))
    if reported >= characters * FEWEST_PER_CHARACTER + 1 and not response.provider.is_server:
        return  # whatever the number of words, which takes time to count
    words = sum(len(_WORD.findall(text)) for text in request.texts)
    fewest = round(min(words * FEWEST_PER_WORD, characters * FEWEST_PER_CHARACTER))
    if fewest < MIN_JUDGED_TOKENS:
        return
    if reported < fewest or _fills_a_context(response.provider, reported, words):
        raise ModelReadPart(
            f"{name_of(response.provider)} read only part of the request: {reported:,} of about "
            f"{round(words * USUAL_PER_WORD):,} tokens. {_SERVER_REMEDY if response.provider.is_server else _OTHER_REMEDY}",
            provider=response.provider,
            usage=response.usage,
            request_id=response.request_id,
        )


_SERVER_REMEDY = (
    "Increase the server's context length (Ollama: `num_ctx` in the Modelfile or OLLAMA_CONTEXT_LENGTH)."
)
_OTHER_REMEDY = "Increase the context length of the server at the configured address."


def _fills_a_context(provider: Provider, reported: int, words: int) -> bool:
    """Whether a server reports exactly what fits: `num_ctx`, or half of it and two, for a text that is probably longer."""
    return provider.is_server and reported % 1024 in (0, 2) and reported < words * USUAL_PER_WORD
