"""The App reads its registration, for doctor, setup and the delivery log."""

from collections.abc import Mapping

import httpx
import pytest

from app.errors import GitHubClockDiffers, GitHubForbidden, GitHubNotFound
from app.github.app import GitHubApp
from app.github.registration import AppRegistration, convert_manifest
from tests.unit.github.conftest import GitHubHarness


@pytest.fixture
def registration(world: GitHubHarness) -> AppRegistration:
    return AppRegistration(world.app)


async def test_the_app_reads_its_identity(world: GitHubHarness, registration: AppRegistration) -> None:
    identity = await registration.fetch_app()
    assert (identity.id, identity.slug) == (world.app.app_id, "quorum")
    assert identity.permissions["checks"] == "write"
    assert "pull_request" in identity.events


async def test_the_key_of_another_app_is_rejected(world: GitHubHarness) -> None:
    app = GitHubApp(42, world.github.app.private_key, transport=world.transport(), clock=lambda: world.now)
    with pytest.raises(GitHubForbidden):
        await AppRegistration(app).fetch_app()


async def test_a_wrong_clock_is_reported_with_githubs_message(world: GitHubHarness) -> None:
    app = GitHubApp(
        world.app.app_id,
        world.github.app.private_key,
        transport=world.transport(),
        clock=lambda: world.now + 7_200,
    )
    with pytest.raises(GitHubClockDiffers, match=r"clock is wrong: .*\('iat'\)"):
        await AppRegistration(app).fetch_app()


async def test_the_webhook_configuration_has_the_url_but_not_the_secret(
    world: GitHubHarness, registration: AppRegistration
) -> None:
    config = await registration.fetch_hook_config()
    assert config.url == world.github.app.webhook_url
    assert (config.has_secret, config.verifies_tls, config.content_type) == (True, True, "json")


async def test_every_installation_is_listed(world: GitHubHarness) -> None:
    for number in range(120):
        world.github.install(f"owner-{number}")
    app = GitHubApp(
        world.app.app_id,
        world.github.app.private_key,
        transport=world.github.transport(),
        clock=lambda: world.now,
    )
    suspended = world.github.install("suspended")
    world.github.suspend(suspended)

    found = {
        installation.account: installation
        for installation in await AppRegistration(app).fetch_installations()
    }

    assert len(found) == 122
    assert found["suspended"].is_suspended
    assert not found["octo"].is_suspended


async def refuse(headers: Mapping[str, str], body: bytes) -> int:
    return 503


async def test_deliveries_since_a_time_are_read_with_their_payloads(
    world: GitHubHarness, registration: AppRegistration
) -> None:
    world.open_pull({"pay.py": "2\n"})
    await world.github.deliver_all(refuse)
    world.now += 3_600
    pull = world.repository.pulls[1]
    for number in range(130):
        pull.comment("alice", f"comment {number}")
    await world.github.deliver_all(refuse)

    recent = await registration.fetch_deliveries(since=world.now - 60)
    everything = await registration.fetch_deliveries(since=world.now - 7_200)

    assert len(recent) == 130
    assert {delivery.event for delivery in recent} == {"issue_comment"}
    assert not any(delivery.is_ok for delivery in recent)
    opened = next(d for d in everything if (d.event, d.action) == ("pull_request", "opened"))
    assert opened.status_code == 503
    content = await registration.fetch_delivery(opened.id)
    assert content.payload["pull_request"]["head"]["sha"] == pull.head_sha
    assert content.delivery.guid == opened.guid
    assert content.delivery.installation_id == world.installation_id


async def test_a_redelivery_has_the_same_guid(world: GitHubHarness, registration: AppRegistration) -> None:
    world.open_pull({"pay.py": "2\n"})
    await world.github.deliver_all(refuse)
    failed = (await registration.fetch_deliveries(since=0))[0]

    await registration.request_redelivery(failed.id)

    guids: list[str] = []

    async def keep(headers: Mapping[str, str], body: bytes) -> int:
        guids.append({name.lower(): value for name, value in headers.items()}["x-github-delivery"])
        return 202

    await world.github.deliver_all(keep)
    assert guids == [failed.guid]
    assert (await registration.fetch_deliveries(since=0))[0].is_ok


async def test_a_manifest_code_yields_credentials_without_secrets_in_their_repr() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/app-manifests/abc/conversions"
        assert "authorization" not in request.headers
        body = {
            "id": 7,
            "slug": "quorum-octo",
            "html_url": "https://github.com/apps/quorum-octo",
            "client_id": "Iv1",
            "client_secret": "client-secret",
            "webhook_secret": "hook-secret",
            "pem": "PRIVATE",
        }
        return httpx.Response(201, json=body)

    made = await convert_manifest("abc", transport=httpx.MockTransport(answer))

    assert (made.app_id, made.slug, made.client_id) == (7, "quorum-octo", "Iv1")
    assert (made.private_key, made.webhook_secret, made.client_secret) == (
        "PRIVATE",
        "hook-secret",
        "client-secret",
    )
    assert not [secret for secret in ("PRIVATE", "hook-secret", "client-secret") if secret in repr(made)]


async def test_an_expired_code_is_not_found(world: GitHubHarness) -> None:
    with pytest.raises(GitHubNotFound):
        await convert_manifest("nothing", transport=world.transport())
