"""The network guard of `tests/conftest.py`: no test can reach a real model."""

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from tests.conftest import take_reached


async def test_a_client_without_a_test_transport_reaches_no_host_and_is_reported() -> None:
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
