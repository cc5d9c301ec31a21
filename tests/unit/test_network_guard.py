"""The guard of `tests/conftest.py` itself: no real model can be asked by a test."""

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from tests.conftest import take_reached


async def test_a_client_without_a_transport_of_the_tests_reaches_nobody_and_is_found_out() -> None:
    claude = anthropic.AsyncAnthropic(api_key="no-key", max_retries=0)
    with pytest.raises(anthropic.APIConnectionError):
        await claude.models.retrieve("claude")
    gpt = openai.AsyncOpenAI(api_key="no-key", max_retries=0)
    with pytest.raises(openai.APIConnectionError):
        await gpt.models.retrieve("gpt")
    gemini = genai.Client(api_key="no-key", http_options=types.HttpOptions(timeout=1_000))
    with pytest.raises(Exception, match="must not reach|connect"):
        await gemini.aio.models.get(model="gemini")
    assert {host.split(".")[-2] for host in take_reached()} == {"anthropic", "openai", "googleapis"}
