"""`quorum doctor`: checks the setup and prints one line for each check, with a remedy for each problem. It changes nothing.

A missing or rejected credential, a wrong webhook address or an unreachable database is a failure (exit 1); no delivery yet, an
address that does not answer from here and a model close to its shutdown are warnings (exit 0). Only with `--live` it sends models paid requests.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from app.commands.doctor_checks import (
    Check,
    CheckResult,
    check_address,
    check_credentials,
    check_data_use,
    check_deliveries,
    check_failure,
    check_git,
    check_granted,
    check_identity,
    check_jobs,
    check_key,
    check_model,
    check_notifications,
    check_permissions,
    check_rung,
    failure,
    is_reserved,
    ok,
    warning,
)
from app.commands.doctor_live import estimate_usd, run_trials
from app.commands.doctor_servers import check_servers
from app.domain.model_call import Provider, RungState
from app.errors import (
    ConfigurationError,
    GitFailed,
    GitHubClockDiffers,
    GitHubError,
    GitHubForbidden,
    GitHubNotFound,
    StoreOutdated,
    StoreUnavailable,
)
from app.github.app import GitHubApp
from app.github.git_process import Git
from app.github.git_version import git_version
from app.github.registration import AppInstallation, AppRegistration
from app.llm.build import ModelEnvironment, ModelSettings, build_models
from app.llm.failures import UNPAID_TIER
from app.main import Network, provider_access
from app.settings import Settings, load_settings
from app.store.database import Database, parse_database_url
from app.store.deliveries import load_failed
from app.store.model_calls import has_recent_error
from app.store.read_only import check_place, is_missing
from app.store.rungs import load_rungs

ENV_FILE = Path(".env")
LOG_PERIOD_S = 3 * 86_400  # GitHub keeps deliveries for that long
FAILED_WITHIN_DAYS = 3
UNPAID_WITHIN = timedelta(days=30)
PROBE_TIMEOUT_S = 5.0


def doctor(*, live: bool = False) -> int:
    """Print each check when it is done; the exit code is 1 if one failed. `live` also sends paid requests to each model."""
    return asyncio.run(_print(live=live))


async def _print(*, live: bool) -> int:
    results: set[CheckResult] = set()
    async for check in _examine_live() if live else examine():
        sys.stdout.write(f"{check}\n")
        sys.stdout.flush()
        results.add(check.result)
    return 1 if CheckResult.FAILURE in results else 0


async def examine(
    settings: Settings | None = None,
    *,
    network: Network | None = None,
    probe: httpx.AsyncBaseTransport | None = None,
    now: Callable[[], float] = time.time,
) -> AsyncGenerator[Check]:
    """Run every check, in the order in which to fix problems. `probe` is the transport to the webhook's address."""
    network = network or Network()
    try:
        settings = settings or load_settings(env_file=ENV_FILE)
        servers = settings.servers()
    except ConfigurationError as error:
        yield failure("settings", str(error), "correct it in the environment or in .env")
        return
    yield ok("settings", "valid")
    for check in check_servers(settings, servers):
        yield check
    async for check in _check_database(settings, datetime.fromtimestamp(now(), UTC)):
        yield check
    yield await _check_git()
    for check in (*check_credentials(settings), *check_notifications(settings)):
        yield check
    async for check in _check_github(settings, network, probe, now):
        yield check
    async for check in _check_models(settings, network, datetime.fromtimestamp(now(), UTC)):
        yield check


async def _examine_live() -> AsyncGenerator[Check]:
    """Run every check, then the paid requests; says first what they will cost."""
    async for check in examine():
        yield check
    with suppress(ConfigurationError):  # the first check reports it
        settings = load_settings(env_file=ENV_FILE)
        access = provider_access(settings, os.environ)
        yield ok("live", f"sending paid requests to each model, for about {estimate_usd(access):.2f} USD")
        async for check in run_trials(access, call_timeout_s=settings.quorum_call_timeout_s):
            yield check


async def _check_database(settings: Settings, now: datetime) -> AsyncGenerator[Check]:
    kind = urlsplit(settings.database_url).scheme
    try:
        if (missing := await asyncio.to_thread(_missing_database, settings)) is not None:
            yield ok("database", f"{missing} does not exist yet; `quorum serve` creates it")
            return
        database = await asyncio.to_thread(_open_database, settings)
    except StoreOutdated as error:
        yield warning("database", str(error), "restart `quorum serve`")
        return
    except (StoreUnavailable, ConfigurationError) as error:
        remedy = "start it, free disk space, or correct QUORUM_DATABASE_URL or QUORUM_DATA_DIR"
        yield failure("database", str(error), remedy)
        return
    try:
        await asyncio.to_thread(database.check)
        yield ok("database", f"{kind} answers; its tables are up to date")
        if problem := await asyncio.to_thread(database.problem):
            yield warning("database", problem, "move it closer to this machine, or reduce its load")
        failed = await asyncio.to_thread(
            load_failed, database, since=now - timedelta(days=FAILED_WITHIN_DAYS)
        )
        yield check_jobs(failed, days=FAILED_WITHIN_DAYS)
    except StoreUnavailable as error:
        yield failure("database", str(error), "free disk space, make it writable, or restart it")
    finally:
        database.close()


def _missing_database(settings: Settings) -> Path | None:
    """Return the path of a SQLite file that does not exist yet and could be created; None if it exists."""
    url = parse_database_url(settings.database_url)
    if not is_missing(url):
        return None
    path = Path(url.database or "")
    check_place(path)
    return path


def _open_database(settings: Settings) -> Database:
    return Database(settings.database_url, read_only=True)


async def _check_git() -> Check:
    try:
        return check_git(await git_version(Git(directory=Path())))
    except GitFailed as error:
        return failure("git", str(error), "install git")


async def _check_github(
    settings: Settings,
    network: Network,
    probe: httpx.AsyncBaseTransport | None,
    now: Callable[[], float],
) -> AsyncGenerator[Check]:
    if check_key(settings).result is CheckResult.FAILURE:
        return
    async with _registration(settings, network) as registration:
        try:
            async for check in _check_registration(registration, settings, probe, now):
                yield check
        except GitHubClockDiffers as error:
            yield failure("app", str(error), "set this machine's clock, for example with NTP")
        except (GitHubForbidden, GitHubNotFound) as error:
            remedy = "check GITHUB_APP_ID, the key, GITHUB_API_URL and this machine's clock"
            yield failure("app", str(error), remedy)
        except GitHubError as error:
            yield check_failure(error, settings)


async def _check_registration(
    registration: AppRegistration,
    settings: Settings,
    probe: httpx.AsyncBaseTransport | None,
    now: Callable[[], float],
) -> AsyncGenerator[Check]:
    app = await registration.fetch_app()
    yield check_identity(app.slug, settings)
    yield check_permissions(app.permissions, app.events, settings)
    installations = await registration.fetch_installations()
    yield _check_installations(installations, settings)
    for check in check_granted(installations):
        yield check
    hook = await registration.fetch_hook_config()
    yield check_address(hook)
    yield check_deliveries(await registration.fetch_deliveries(since=now() - LOG_PERIOD_S), hook)
    if hook.url and not is_reserved(hook.url):
        yield await _probe(hook.url, probe)


@asynccontextmanager
async def _registration(settings: Settings, network: Network) -> AsyncGenerator[AppRegistration]:
    app_id, key = settings.github_app_id or "", settings.private_key() or ""
    app = GitHubApp(app_id, key, settings.github_api_url, transport=network.github)
    try:
        yield AppRegistration(app)
    finally:
        await app.aclose()


def _check_installations(installations: Sequence[AppInstallation], settings: Settings) -> Check:
    active = [each for each in installations if not each.is_suspended]
    allowed = {owner.lower() for owner in settings.quorum_allowed_owners}
    served = [each for each in active if not allowed or each.account.lower() in allowed]
    if not active:
        return warning("installed", "the App is not installed anywhere", "install it from the App's page")
    if not served:
        return warning(
            "installed",
            "QUORUM_ALLOWED_OWNERS excludes every account that has the App",
            "correct QUORUM_ALLOWED_OWNERS",
        )
    return ok(
        "installed", f"on {', '.join(sorted(each.account for each in served)[:5])} ({len(served)} served)"
    )


async def _probe(url: str, probe: httpx.AsyncBaseTransport | None) -> Check:
    """Check whether the server answers from here; a proxy may prevent it."""
    parts = urlsplit(url)
    health = f"{parts.scheme}://{parts.netloc}/healthz"
    try:
        async with httpx.AsyncClient(transport=probe, timeout=PROBE_TIMEOUT_S) as client:
            response = await client.get(health)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return warning(
            "address",
            f"{health} does not answer from here ({type(error).__name__})",
            "start `quorum serve`, or check the proxy",
        )
    if response.is_error:
        return warning(
            "address",
            f"{health} answers with {response.status_code}",
            "make the proxy forward to `quorum serve`",
        )
    return ok("address", f"{health} answers")


async def _check_models(settings: Settings, network: Network, now: datetime) -> AsyncGenerator[Check]:
    access = provider_access(settings, os.environ)
    models = build_models(ModelSettings(access=access), ModelEnvironment(http_client=network.models))
    try:
        if models.is_keyless:
            message = "no provider has a key, so only the analyzers review"
            yield warning("models", message, "set ANTHROPIC_API_KEY, OPENAI_API_KEY or GEMINI_API_KEY")
        for check in await models.check():
            yield check_model(check, now.date())
        digests = {provider: each.digest for provider, each in access.items()}
        for state in await asyncio.to_thread(_load_rungs, settings, now):
            if state.name.access == digests.get(state.name.provider):
                yield check_rung(state)
        for provider in models.providers:
            is_unpaid = await asyncio.to_thread(_was_unpaid, settings, provider, since=now - UNPAID_WITHIN)
            yield check_data_use(provider, access[provider], is_unpaid=is_unpaid)
    finally:
        await models.aclose()


def _load_rungs(settings: Settings, now: datetime) -> list[RungState]:
    """Return the rungs in effect; none if the database is unavailable, which an earlier check reports."""
    with suppress(StoreUnavailable, ConfigurationError), closing(_open_database(settings)) as database:
        return [state for state in load_rungs(database) if state.expires_at > now]
    return []


def _was_unpaid(settings: Settings, provider: Provider, *, since: datetime) -> bool:
    """Whether a vendor recently said that the key is unpaid. False if the database is unavailable, which an earlier check reports."""
    with suppress(StoreUnavailable, ConfigurationError), closing(_open_database(settings)) as database:
        return has_recent_error(database, provider, UNPAID_TIER, since=since)
    return False
