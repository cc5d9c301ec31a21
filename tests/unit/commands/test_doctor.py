"""`quorum doctor` against the stand-in for GitHub and the fake vendors: what it prints for each problem."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from inline_snapshot import snapshot

from app.commands.doctor import examine
from app.commands.doctor_checks import (
    Check,
    CheckResult,
    check_address,
    check_data_use,
    check_model,
)
from app.commands.manifest import read_manifest
from app.domain.model_call import CallEntry, Provider, Rung, RungName, RungState
from app.github.registration import HookConfig
from app.llm.build import Cloud, VendorAccess
from app.llm.failures import UNPAID_TIER
from app.llm.models import ModelCheck
from app.llm.router import VendorModels
from app.main import Network, provider_access
from app.settings import Settings
from app.store.calls import record_call
from app.store.database import Database
from app.store.rungs import record_rung
from github_sandbox import GitHubSandbox
from tests.contracts.guard import OpenApiGuard
from tests.scenarios.vendors import Vendors
from tests.scenarios.world import ALL, app_settings
from tests.unit.llm.harness import CALL

HOOK = "https://quorum.example.com/webhooks/github"
REMOVED_SERVER = Provider("qwen@groq")  # from the file of servers
NAMES = VendorModels(large="m", small="m")
OURS = HookConfig(url=HOOK, content_type="json", has_secret=True, verifies_tls=True)

ANOTHER_KIND_OF_KEY = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


class DoctorHarness:
    """A complete setup, from which tests remove something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.github = GitHubSandbox(folder / "github")
        self.github.create_repository("octo/shop", {"a.py": "1\n"})
        self.github.app.webhook_url = HOOK
        manifest = read_manifest(self.github.urls.api)
        self.github.app.permissions = dict(manifest["default_permissions"])
        self.github.app.events = tuple(manifest["default_events"])
        self.vendors = Vendors()
        self.settings: dict[str, Any] = app_settings(self.github, folder / "data", ALL)
        self.server_status = 200

    async def checks(self) -> dict[str, Check]:
        def probe(request: httpx.Request) -> httpx.Response:
            assert str(request.url) == "https://quorum.example.com/healthz"
            return httpx.Response(self.server_status)

        network = Network(
            github=OpenApiGuard().wrap(self.github.transport()), models=self.vendors.fake.http_client()
        )
        settings = Settings.model_validate(self.settings)
        found = examine(settings, network=network, probe=httpx.MockTransport(probe))
        worst: dict[str, Check] = {}
        async for check in found:
            if check.subject not in worst or check.result is not CheckResult.OK:
                worst[check.subject] = check
        return worst


@pytest.fixture
async def world(tmp_path: Path) -> DoctorHarness:
    return DoctorHarness(tmp_path)


async def arrived(headers: Mapping[str, str], body: bytes) -> int:
    return 202


async def failed(headers: Mapping[str, str], body: bytes) -> int:
    return 502


def not_ok(checks: dict[str, Check]) -> dict[str, CheckResult]:
    return {subject: check.result for subject, check in checks.items() if check.result is not CheckResult.OK}


async def test_a_complete_setup_passes_every_check(world: DoctorHarness) -> None:
    world.github.repositories["octo/shop"].open_pull({"b.py": "1\n"})
    await world.github.deliver_all(arrived)

    checks = await world.checks()

    assert not_ok(checks) == {}
    assert str(checks["webhook"]) == snapshot(
        "ok       webhook      webhooks go to https://quorum.example.com/webhooks/github"
    )


async def test_no_delivery_yet_is_a_warning(world: DoctorHarness) -> None:
    assert not_ok(await world.checks()) == {"deliveries": CheckResult.WARNING}


async def test_a_delivery_that_failed_is_a_warning(world: DoctorHarness) -> None:
    world.github.repositories["octo/shop"].open_pull({"b.py": "1\n"})
    await world.github.deliver_all(failed)
    assert "502" in (await world.checks())["deliveries"].message


@pytest.mark.parametrize("name", ["github_app_id", "github_app_private_key", "github_webhook_secret"])
async def test_a_missing_credential_is_a_failure_with_its_remedy(world: DoctorHarness, name: str) -> None:
    del world.settings[name]
    [failure] = [check for check in (await world.checks()).values() if check.result is CheckResult.FAILURE]
    assert "quorum setup" in failure.remedy


@pytest.mark.parametrize(
    ("name", "value", "subject"),
    [
        ("github_app_id", "4242", "app"),
        ("github_app_id", "Iv23abc", "key"),
        ("github_app_private_key", "nonsense", "key"),
        pytest.param("github_app_private_key", ANOTHER_KIND_OF_KEY, "key", id="no-rsa-key"),
        ("github_webhook_secret", "short", "secret"),
        ("quorum_database_url", "mysql://host/db", "database"),
        ("quorum_database_url", "sqlite:////proc/nowhere/quorum.db", "database"),
        ("anthropic_api_key", "sk-wrong", "claude"),
        ("quorum_gpt_model", "gpt-nobody-knows", "gpt"),
        ("quorum_notify_url", "http://hooks.example.com/", "notify"),
        ("quorum_notify_url", "https://hooks.example.com/", "notify"),  # without a secret
    ],
)
async def test_an_invalid_setting_is_a_failure(
    world: DoctorHarness, name: str, value: str, subject: str
) -> None:
    world.settings[name] = value
    if name == "anthropic_api_key":
        world.vendors.claude.rejects_its_key()
    checks = await world.checks()
    assert checks[subject].result is CheckResult.FAILURE
    assert checks[subject].remedy
    assert value not in str(checks[subject]) or name != "anthropic_api_key"


async def test_a_server_that_does_not_answer_from_here_is_a_warning(world: DoctorHarness) -> None:
    world.server_status = 502
    checks = await world.checks()
    assert checks["address"].result is CheckResult.WARNING


async def test_without_a_key_for_any_model_there_is_a_warning(world: DoctorHarness) -> None:
    for name in ("anthropic_api_key", "openai_api_key", "gemini_api_key"):
        del world.settings[name]
    checks = await world.checks()
    assert checks["models"].result is CheckResult.WARNING


@pytest.mark.parametrize(
    ("provider", "access", "line"),
    [
        (
            Provider.CLAUDE,
            VendorAccess(models=NAMES, api_key="k"),
            snapshot(
                "ok       claude data  Anthropic's commercial terms rule out training on API requests; an account can opt in"
            ),
        ),
        (
            Provider.GPT,
            VendorAccess(models=NAMES, api_key="k"),
            snapshot(
                "ok       gpt data     OpenAI does not train on API requests unless the organization shares them (some do for free tokens)"
            ),
        ),
        (
            Provider.GEMINI,
            VendorAccess(models=NAMES, api_key="k"),
            snapshot(
                "warning  gemini data  Google may train on requests of an unpaid key and have people read them (not under the EEA, Swiss or UK terms), and the API does not show whether this key is paid → check that AI Studio shows a paid tier for the key's project, or use Vertex AI"
            ),
        ),
        (
            Provider.GEMINI,
            VendorAccess(models=NAMES, cloud=Cloud.VERTEX),
            snapshot(
                "ok       gemini data  sent to your cloud under its terms, which do not allow training without your permission"
            ),
        ),
        (
            Provider.LOCAL,
            VendorAccess(models=NAMES, base_url="http://127.0.0.1:11434/v1"),
            snapshot("ok       local data   sent to 127.0.0.1: its operator decides what is kept there"),
        ),
    ],
)
def test_each_kind_of_access_reports_how_the_vendor_may_use_code(
    provider: Provider, access: VendorAccess, line: str
) -> None:
    assert str(check_data_use(provider, access)) == line


async def test_only_configured_vendors_are_reported(world: DoctorHarness) -> None:
    del world.settings["gemini_api_key"]
    subjects = [subject for subject in await world.checks() if subject.endswith(" data")]
    assert subjects == ["claude data", "gpt data"]


async def test_an_unpaid_google_key_is_reported(world: DoctorHarness) -> None:
    database = Database(Settings.model_validate(world.settings).database_url)
    error = f"Google limits the rate of requests. {UNPAID_TIER}"
    call = replace(CALL, provider=Provider.GEMINI, error=error, started_at=datetime.now(UTC))
    record_call(database, CallEntry(call=call))
    database.close()
    assert str((await world.checks())["gemini data"]) == snapshot(
        "warning  gemini data  The key is on the unpaid tier, so its requests may be used for training. → enable billing for the key's project before you send private code"
    )


async def test_how_a_model_is_asked_is_shown_while_its_access_is_configured(world: DoctorHarness) -> None:
    settings = Settings.model_validate(world.settings)
    digest = provider_access(settings, {})[Provider.GPT].digest
    database = Database(settings.database_url)
    for provider, access in ((Provider.GPT, digest), (Provider.GEMINI, "another key"), (REMOVED_SERVER, "")):
        name = RungName(provider=provider, model="m", schema="s", access=access)
        expires_at = datetime.now(UTC) + timedelta(hours=1)
        state = RungState(name=name, rung=Rung.JSON_MODE, error="It refused.", expires_at=expires_at)
        record_rung(database, state)
    database.close()
    shown = {subject: check for subject, check in (await world.checks()).items() if "rung" in subject}
    assert [*shown] == ["gpt rung"]
    assert shown["gpt rung"].message.startswith("m is asked with 'JSON mode' until ")
    assert shown["gpt rung"].message.endswith(": It refused.")


async def test_a_missing_permission_is_named(world: DoctorHarness) -> None:
    del world.github.app.permissions["checks"]
    world.github.app.events = tuple(each for each in world.github.app.events if each != "check_run")
    checks = await world.checks()
    assert checks["permissions"].result is CheckResult.WARNING
    assert "checks: write, event check_run" in checks["permissions"].message


async def test_an_enterprise_server_need_not_offer_merge_queues(world: DoctorHarness) -> None:
    del world.github.app.permissions["merge_queues"]
    world.github.app.events = tuple(each for each in world.github.app.events if each != "merge_group")
    assert (await world.checks())["permissions"].result is CheckResult.WARNING
    world.settings["github_api_url"] = f"{world.github.urls.api}/api/v3"
    assert (await world.checks())["permissions"].result is CheckResult.OK


async def test_code_scanning_requires_one_more_permission(world: DoctorHarness) -> None:
    world.settings["quorum_code_scanning"] = True
    check = (await world.checks())["permissions"]
    assert (check.result, "security_events: write" in check.message) == (CheckResult.WARNING, True)
    world.github.app.permissions["security_events"] = "write"
    assert (await world.checks())["permissions"].result is CheckResult.OK


async def test_an_app_that_serves_no_account_is_a_warning(world: DoctorHarness) -> None:
    world.settings["quorum_allowed_owners"] = ("somebody-else",)
    assert (await world.checks())["installed"].result is CheckResult.WARNING


@pytest.mark.parametrize(
    ("hook", "result"),
    [
        (OURS, CheckResult.OK),
        (replace(OURS, url="https://quorum.invalid/webhooks/github"), CheckResult.OK),
        (replace(OURS, url=None), CheckResult.FAILURE),
        (replace(OURS, url="https://quorum.example.com/"), CheckResult.FAILURE),
        (replace(OURS, has_secret=False), CheckResult.FAILURE),
        (replace(OURS, content_type="form"), CheckResult.FAILURE),
        (replace(OURS, url="http://quorum.example.com/webhooks/github"), CheckResult.WARNING),
        (replace(OURS, verifies_tls=False), CheckResult.WARNING),
    ],
)
def test_the_webhooks_address_is_checked(hook: HookConfig, result: CheckResult) -> None:
    assert check_address(hook).result is result


@pytest.mark.parametrize(
    ("model", "today", "line"),
    [
        (
            "gemini-2.5-pro",
            date(2026, 11, 22),
            snapshot(
                "warning  gemini       gemini-2.5-pro will be shut down on 2026-12-01 → choose another in QUORUM_GEMINI_MODEL or QUORUM_GEMINI_SMALL_MODEL"
            ),
        ),
        (
            "gemini-2.5-pro",
            date(2026, 12, 1),
            snapshot(
                "warning  gemini       gemini-2.5-pro was shut down on 2026-12-01 → choose another in QUORUM_GEMINI_MODEL or QUORUM_GEMINI_SMALL_MODEL"
            ),
        ),
        ("gemini-2.5-pro", date(2026, 1, 1), snapshot("ok       gemini       gemini-2.5-pro exists")),
        ("gemini-3.8-flash", date(2026, 11, 22), snapshot("ok       gemini       gemini-3.8-flash exists")),
    ],
)
def test_a_model_near_its_shutdown_is_reported_with_the_date(model: str, today: date, line: str) -> None:
    assert str(check_model(ModelCheck(provider=Provider.GEMINI, model=model, error=None), today)) == line


@pytest.mark.parametrize("ahead_s", [3_600, -3_600])
async def test_a_wrong_clock_is_a_failure_that_names_the_clock(world: DoctorHarness, ahead_s: int) -> None:
    right = world.github.clock
    world.github.clock = lambda: right() - ahead_s
    check = (await world.checks())["app"]
    assert check.result is CheckResult.FAILURE
    assert "this machine's clock is wrong" in str(check)
    assert "set this machine's clock" in str(check)
