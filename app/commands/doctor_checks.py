"""The checks of `quorum doctor` as functions from values to a `Check`. They send no request; they read app.yml and the key file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from app.commands.manifest import read_manifest
from app.commands.setup_pages import REGISTRATION_URL
from app.domain.model_call import Provider, RungState
from app.errors import (
    ConfigurationError,
    GitHubError,
    GitHubUnavailable,
    ModelAuthFailed,
    ModelError,
    ModelNotFound,
)
from app.github.auth import parse_private_key
from app.github.git_version import MIN_VERSION, name_of
from app.github.registration import AppInstallation, HookConfig, HookDelivery
from app.github.security import CODE_SCANNING_PERMISSIONS
from app.jobs.installation import missing_permissions
from app.jobs.receiver import Receiver
from app.llm.build import VendorAccess
from app.llm.failures import UNPAID_TIER
from app.llm.models import ModelCheck
from app.llm.vendor_terms import data_use, shut_down_on
from app.publish.wording import describe_disabled
from app.settings import Settings
from app.store.deliveries import FailedDeliveries

WEBHOOK_PATH = "/webhooks/github"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHUTDOWN_NOTICE = timedelta(days=60)
MIN_SECRET_CHARACTERS = 8


class CheckResult(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "FAILURE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line: the subject, the result, the message and the remedy."""

    subject: str
    result: CheckResult
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f" → {self.remedy}" if self.remedy else ""
        return f"{self.result.value:<8} {self.subject:<12} {self.message}{remedy}"


def ok(subject: str, message: str) -> Check:
    """Nothing to do."""
    return Check(subject=subject, result=CheckResult.OK, message=message)


def warning(subject: str, message: str, remedy: str) -> Check:
    """Works, but someone should look at it."""
    return Check(subject=subject, result=CheckResult.WARNING, message=message, remedy=remedy)


def failure(subject: str, message: str, remedy: str) -> Check:
    """Does not work."""
    return Check(subject=subject, result=CheckResult.FAILURE, message=message, remedy=remedy)


def check_git(version: tuple[int, int]) -> Check:
    """Check that git is recent enough to be run safely in repositories that nobody vouches for."""
    if version < MIN_VERSION:
        message = f"git {name_of(version)} is too old: it ignores the settings that keep a repository from starting programs"
        return failure("git", message, f"install git {name_of(MIN_VERSION)} or newer")
    return ok("git", f"git {name_of(version)} is recent enough")


def check_jobs(failed: FailedDeliveries | None, *, days: int) -> Check:
    """Check that no delivery's job failed recently."""
    if failed is None:
        return ok("jobs", f"none failed in the last {days} days")
    some = "1 delivery" if failed.count == 1 else f"{failed.count} deliveries"
    message = f"{some} failed in the last {days} days; the newest: {failed.newest}"
    return warning("jobs", message, "see the dashboard's Deliveries; `quorum replay` runs one again")


def check_credentials(settings: Settings) -> Iterable[Check]:
    """Check the credentials without sending a request."""
    secret = settings.github_webhook_secret
    if secret is None:
        yield failure(
            "secret", "GITHUB_WEBHOOK_SECRET is not set", "run `quorum setup`, or copy it from the App's page"
        )
    elif len(secret.get_secret_value()) < MIN_SECRET_CHARACTERS:
        yield failure(
            "secret", "GITHUB_WEBHOOK_SECRET is too short", "set a longer one, here and on the App's page"
        )
    else:
        yield ok("secret", "the webhook's secret is set")
    yield check_key(settings)


def check_notifications(settings: Settings) -> Iterable[Check]:
    """Check the settings of notifications, if any; sends nothing."""
    url, secret = settings.quorum_notify_url, settings.quorum_notify_secret
    if not url:
        return
    try:
        Receiver(url, secret.get_secret_value() if secret else None)
    except ConfigurationError as error:
        yield failure("notify", str(error), "see docs/notifications.md")
    else:
        yield ok("notify", f"notifications go to {urlsplit(url).hostname}")


def check_key(settings: Settings) -> Check:
    """Check the App's id and private key without asking GitHub."""
    try:
        key = settings.private_key()
    except ConfigurationError as error:
        return failure("key", str(error), "correct GITHUB_APP_PRIVATE_KEY_PATH, or run `quorum setup`")
    if not settings.github_app_id or not key:
        missing = "GITHUB_APP_ID" if not settings.github_app_id else "GITHUB_APP_PRIVATE_KEY(_PATH)"
        return failure("key", f"{missing} is not set", "run `quorum setup` to register the App")
    if not settings.github_app_id.isdecimal():
        return failure(
            "key", "GITHUB_APP_ID is not a number", "copy the App ID from the App's page (not the client id)"
        )
    try:
        parse_private_key(key)
    except ConfigurationError as error:
        return failure("key", str(error), "download a new one on the App's page")
    path = settings.github_app_private_key_path
    if path and not settings.github_app_private_key and path.stat().st_mode & 0o077:
        return warning("key", f"others on this machine can read {path}", f"chmod 600 {path}")
    return ok("key", "the App's private key is readable")


def check_failure(error: GitHubError, settings: Settings) -> Check:
    """Say why GitHub did not answer. An address on this machine is the rehearsal's."""
    cause = (error.cause if isinstance(error, GitHubUnavailable) else None) or ""
    key = "rehearsal" if urlsplit(settings.github_api_url).hostname in LOOPBACK else cause
    return warning("app", str(error), _REMEDIES.get(key, "GitHub did not answer; try again later"))


_REMEDIES = {
    "rehearsal": "start `quorum demo --github` again, or unset GITHUB_API_URL",
    "name": "check this machine's DNS and GITHUB_API_URL",
    "certificate": "find out who replaced it; if your company did, set SSL_CERT_FILE to its certificate authority",
    **dict.fromkeys(("TLS", "refused"), "check the proxy, the firewall and GITHUB_API_URL"),
}


def check_identity(slug: str, settings: Settings) -> Check:
    """Check that GitHub and the settings use the same name for the App."""
    if slug != settings.github_app_slug:
        message = f"GitHub calls the App {slug!r}, but the settings say {settings.github_app_slug!r}"
        return warning("app", message, f"set GITHUB_APP_SLUG={slug}, so that Quorum recognizes mentions")
    return ok("app", f"GitHub accepts the key of {slug}")


def check_permissions(granted: Mapping[str, str], events: Iterable[str], settings: Settings) -> Check:
    """Compare the App's permissions with those that app.yml and the operator's settings need."""
    manifest = read_manifest(settings.github_api_url)
    levels = ("read", "write", "admin")
    extra: Mapping[str, str] = CODE_SCANNING_PERMISSIONS if settings.quorum_code_scanning else {}
    required: dict[str, str] = {**manifest["default_permissions"], **extra}
    missing = [
        f"{name}: {level}"
        for name, level in required.items()
        if name not in granted or levels.index(granted[name]) < levels.index(level)
    ]
    missing += [f"event {event}" for event in manifest["default_events"] if event not in set(events)]
    if missing:
        remedy = (
            "add them on the App's page under Permissions & events, and accept them where it is installed"
        )
        return warning("permissions", f"the App lacks {', '.join(missing)}", remedy)
    return ok("permissions", "the App has every permission and event of app.yml")


def check_granted(installations: Iterable[AppInstallation]) -> Iterable[Check]:
    """One line for each account that grants less than a review needs, with what does not work there."""
    for each in installations:
        missing = missing_permissions(each.permissions)
        if missing and not each.is_suspended:
            unavailable = (
                describe_disabled(missing)
                or "reviews (needs " + ", ".join(f"`{n}: {v}`" for n, v in missing.items()) + ")"
            )
            remedy = "its owner must accept the App's new permissions on the installation's page"
            yield warning(
                "granted",
                f"{each.account} grants less than the App requests; unavailable there: {unavailable}",
                remedy,
            )


def check_address(hook: HookConfig) -> Check:
    """Check that the App's hook is signed and leads here over TLS, or is a reserved name for `quorum serve --poll`."""
    url = hook.url or ""
    remedy = f"set https://YOUR-HOST{WEBHOOK_PATH} on the App's page, or run `quorum serve --poll`"
    if not url:
        return failure("webhook", "the App has no webhook address", remedy)
    if is_reserved(url):
        return ok("webhook", f"{url} is a reserved address: run `quorum serve --poll`")
    parts = urlsplit(url)
    if parts.path.rstrip("/") != WEBHOOK_PATH:
        return failure("webhook", f"{url} does not end in {WEBHOOK_PATH}", remedy)
    if not hook.has_secret:
        return failure(
            "webhook",
            "the App's webhook has no secret",
            "set GITHUB_WEBHOOK_SECRET's value on the App's page",
        )
    if hook.content_type != "json":
        return failure(
            "webhook", "the App's webhook sends form data", "choose application/json on the App's page"
        )
    if parts.hostname not in LOOPBACK and (parts.scheme != "https" or not hook.verifies_tls):
        return warning("webhook", f"{url} is not verified over TLS", "use https and enable SSL verification")
    return ok("webhook", f"webhooks go to {url}")


def is_reserved(url: str) -> bool:
    """Whether the name is reserved, so that nothing arrives there: https://www.rfc-editor.org/rfc/rfc2606"""
    return url == REGISTRATION_URL or (urlsplit(url).hostname or "").endswith(".invalid")


def check_deliveries(attempts: list[HookDelivery], hook: HookConfig) -> Check:
    """Check the App's deliveries of the last three days; `attempts` has the newest first."""
    if not attempts:
        return warning("deliveries", "none in 3 days", "open a pull request where the App is installed")
    if is_reserved(hook.url or ""):
        return ok("deliveries", f"{len(attempts)} attempts in the log of the last 3 days")
    if not attempts[0].is_ok:
        status = attempts[0].status_code or "no response"
        remedy = "make the address reachable; Quorum fetches missed deliveries from the log"
        return warning("deliveries", f"the last one ended with {status}", remedy)
    return ok("deliveries", f"the last of {len(attempts)} deliveries in 3 days arrived")


def check_model(check: ModelCheck, today: date) -> Check:
    """Check that a configured model exists and when it shuts down."""
    subject, name = str(check.provider), check.model
    if check.error:
        return _check_model_error(subject, name, check.error)
    ends = shut_down_on(name)
    if ends and ends <= today:
        return warning(subject, f"{name} was shut down on {ends}", f"choose another in {_variable(check)}")
    if ends and ends - today <= SHUTDOWN_NOTICE:
        message = f"{name} will be shut down on {ends}"
        return warning(subject, message, f"choose another in {_variable(check)}")
    return ok(subject, f"{name} exists")


def check_rung(state: RungState) -> Check:
    """Say how a model is asked for JSON after it refused the full schema."""
    again = state.expires_at.strftime("%Y-%m-%d %H:%M UTC")
    message = f"{state.name.model} is asked with {state.rung.value!r} until {again}: {state.error}"
    return ok(f"{state.name.provider} rung", message)


def check_data_use(provider: Provider, access: VendorAccess, *, is_unpaid: bool = False) -> Check:
    """Say what a provider may do with code. `is_unpaid`: the provider's own answers say that the key is unpaid."""
    host = urlsplit(access.base_url).hostname if access.base_url else None
    use = data_use(provider, host=host, is_cloud=access.cloud is not None)
    subject = f"{provider} data"
    if is_unpaid:
        remedy = "enable billing for the key's project before you send private code"
        return warning(subject, UNPAID_TIER, remedy)
    return warning(subject, use.statement, use.look) if use.look else ok(subject, use.statement)


def _variable(check: ModelCheck) -> str:
    if check.provider.is_server and check.provider.server != Provider.LOCAL:
        return "QUORUM_SERVERS_FILE"
    return "QUORUM_{0}_MODEL or QUORUM_{0}_SMALL_MODEL".format(check.provider.value.upper())


def _check_model_error(subject: str, name: str, error: ModelError) -> Check:
    message = f"{name}: {error}"
    if isinstance(error, ModelAuthFailed):
        return failure(subject, message, "correct the provider's key; other providers work without it")
    if isinstance(error, ModelNotFound):
        return failure(subject, message, "choose a model that this key may use")
    return warning(subject, message, "it did not answer; try again later")
