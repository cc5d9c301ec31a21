"""Connections that break on a real socket: each vendor's SDK and transport, and which provider is asked next."""

import logging
import socket
from dataclasses import replace
from urllib.parse import urlsplit

import httpx2
import pytest

from app.domain.model_call import Outcome, Provider
from app.errors import AllModelsFailed
from app.llm.build import VendorAccess
from tests.fakes.broken_server import Break, broken_server
from tests.fakes.vendors import BASE_URLS, KEYS, FakeVendors
from tests.unit.llm.harness import LlmHarness

VENDORS = (Provider.CLAUDE, Provider.GPT, Provider.GEMINI)
KINDS = {Provider.CLAUDE: "review", Provider.GPT: "security", Provider.GEMINI: "docs"}
NAMES = {Provider.CLAUDE: "Anthropic", Provider.GPT: "OpenAI", Provider.GEMINI: "Google"}


def world_with(
    provider: Provider, address: str, *others: Provider, call_timeout_s: float = 30.0
) -> LlmHarness:
    """Put one provider at an address on the network; the others are fakes."""

    def access(vendors: FakeVendors) -> dict[Provider, VendorAccess]:
        known = vendors.access(provider, *others)
        path = urlsplit(BASE_URLS[provider]).path
        return {**known, provider: replace(known[provider], base_url=address + path)}

    vendors = FakeVendors()
    http_client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=vendors.app), mounts={address: httpx2.AsyncHTTPTransport()}
    )
    return LlmHarness(vendors=vendors, access=access, http_client=http_client, call_timeout_s=call_timeout_s)


@pytest.mark.parametrize("provider", VENDORS)
@pytest.mark.parametrize("how", [each for each in Break if each is not Break.STOPS_HALFWAY])
async def test_a_connection_that_breaks_is_recorded_and_the_next_provider_answers(
    how: Break, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    second = Provider.GPT if provider is Provider.CLAUDE else Provider.CLAUDE
    async with broken_server(how) as address:
        world = world_with(provider, address, second)
        answer = await world.ask(KINDS[provider], allowed=(provider, second))
        await world.models.aclose()
    assert [(row.provider, row.outcome) for row in world.rows] == [
        (provider, Outcome.UNAVAILABLE),
        (second, Outcome.OK),
    ]
    assert answer.failures == (f"The connection to {NAMES[provider]} failed.",)
    assert KEYS[provider] not in caplog.text


async def test_a_local_servers_cut_body_is_recorded_too() -> None:
    async with broken_server(Break.CUTS_BODY) as address:
        world = world_with(Provider.LOCAL, address)
        with pytest.raises(AllModelsFailed, match="The connection to the local server failed"):
            await world.ask(allowed=(Provider.LOCAL,), deadline_s=30.0)
        await world.models.aclose()
    assert {row.outcome for row in world.rows} == {Outcome.UNAVAILABLE}


@pytest.mark.parametrize("provider", VENDORS)
async def test_an_answer_that_stops_halfway_times_out(
    provider: Provider,
) -> None:
    second = Provider.GPT if provider is Provider.CLAUDE else Provider.CLAUDE
    async with broken_server(Break.STOPS_HALFWAY) as address:
        world = world_with(provider, address, second, call_timeout_s=2.0)
        answer = await world.ask(KINDS[provider], allowed=(provider, second))
        await world.models.aclose()
    assert answer.response.provider is second
    assert world.rows[0].outcome is Outcome.TIMEOUT
    assert world.rows[0].cost_usd is None  # the vendor may still charge for it


@pytest.mark.parametrize("provider", VENDORS)
async def test_a_vendor_that_does_not_listen_is_unavailable(provider: Provider) -> None:
    second = Provider.GPT if provider is Provider.CLAUDE else Provider.CLAUDE
    with socket.socket() as bound:  # bound, but it does not listen
        bound.bind(("127.0.0.1", 0))
        world = world_with(provider, f"http://127.0.0.1:{bound.getsockname()[1]}", second)
        answer = await world.ask(KINDS[provider], allowed=(provider, second))
        await world.models.aclose()
    assert answer.response.provider is second
    assert [row.outcome for row in world.rows] == [Outcome.UNAVAILABLE, Outcome.OK]
