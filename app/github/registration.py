"""Read the App's registration: identity, webhook, installations, deliveries.

For `quorum doctor`, `quorum setup` and `quorum serve`. Its only writes are requests for redeliveries and, during `quorum setup`, the hook's URL.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
from githubkit.utils import UNSET

from app.github.addresses import PUBLIC_API_URL
from app.github.app import GitHubApp
from app.github.client import ApiClient
from app.github.failures import utc_timestamp
from app.github.transport import InstallationThrottle, KeptOpenTransport, open_transport

DELIVERIES_PER_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AppIdentity:
    """The App that the key belongs to."""

    id: int
    slug: str
    name: str
    html_url: str
    permissions: Mapping[str, str]
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HookConfig:
    """Where GitHub sends webhooks; GitHub shows whether there is a secret, but not the secret."""

    url: str | None
    content_type: str | None
    has_secret: bool
    verifies_tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AppInstallation:
    """An account on which the App is installed."""

    id: int
    account: str
    is_suspended: bool
    permissions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDelivery:
    """One attempt to deliver a webhook; attempts for the same webhook share `guid`. Times are seconds since 1970."""

    id: int
    guid: str
    event: str
    action: str | None
    delivered_at: float
    status_code: int  # 0: no answer
    is_ok: bool
    installation_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryContent:
    """A delivery with its payload."""

    delivery: HookDelivery
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCredentials:
    """The credentials that GitHub returns once, when an App is registered from a manifest."""

    app_id: int
    slug: str
    html_url: str
    client_id: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    client_secret: str = field(repr=False)


class AppRegistration:
    """Calls that the App makes as itself. All methods raise `GitHubError`."""

    def __init__(self, app: GitHubApp) -> None:
        self._api = app.api
        self._apps = app.api.rest.apps

    async def fetch_app(self) -> AppIdentity:
        """Fetch the App's identity; raises `GitHubForbidden` if the key or id is wrong."""
        data = await self._api.fetch(self._apps.async_get_authenticated(), to="read the App")
        assert data is not None
        return AppIdentity(
            id=data["id"],
            slug=data.get("slug", ""),
            name=data["name"],
            html_url=data["html_url"],
            permissions=cast("dict[str, str]", data["permissions"]),
            events=tuple(data["events"]),
        )

    async def fetch_hook_config(self) -> HookConfig:
        """Fetch the webhook configuration."""
        data = await self._api.fetch(
            self._apps.async_get_webhook_config_for_app(), to="read the webhook configuration"
        )
        return HookConfig(
            url=data.get("url"),
            content_type=data.get("content_type"),
            has_secret=bool(data.get("secret")),
            verifies_tls=str(data.get("insecure_ssl", "0")) == "0",
        )

    async def update_hook_url(self, url: str) -> None:
        """Set where GitHub sends webhooks."""
        request = self._apps.async_update_webhook_config_for_app(url=url)
        await self._api.send(request, to="set the webhook's address")

    async def fetch_installations(self) -> list[AppInstallation]:
        """Fetch all installations."""
        found: list[AppInstallation] = []
        page = 1
        while True:
            request = self._apps.async_list_installations(per_page=100, page=page)
            rows: list[Any] = list(await self._api.fetch(request, to="list the installations"))
            found += map(_installation, rows)
            if len(rows) < 100:
                return found
            page += 1

    async def fetch_deliveries(self, *, since: float) -> list[HookDelivery]:
        """Fetch all attempts since a time, newest first. GitHub keeps them for 3 days.

        https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
        """
        found: list[HookDelivery] = []
        cursor: str | None = None
        while True:
            request = self._apps.async_list_webhook_deliveries(
                per_page=DELIVERIES_PER_PAGE, cursor=cursor or UNSET
            )
            answer = await self._api.send(request, to="list the webhook's deliveries")
            rows = list(map(_delivery, cast("list[Any]", answer.json())))
            found += [row for row in rows if row.delivered_at >= since]
            cursor = _next_cursor(answer.raw_response)
            if cursor is None or any(row.delivered_at < since for row in rows):
                return found

    async def fetch_delivery(self, delivery_id: int) -> DeliveryContent:
        """Fetch a delivery with its payload."""
        data: Any = await self._api.fetch(
            self._apps.async_get_webhook_delivery(delivery_id), to="show a delivery"
        )
        return DeliveryContent(delivery=_delivery(data), payload=data["request"]["payload"] or {})

    async def request_redelivery(self, delivery_id: int) -> None:
        """Ask GitHub to deliver again, with the same guid."""
        await self._api.send(
            self._apps.async_redeliver_webhook_delivery(delivery_id), to="deliver a webhook again"
        )


async def convert_manifest(
    code: str, api_url: str = PUBLIC_API_URL, *, transport: httpx.AsyncBaseTransport | None = None
) -> AppCredentials:
    """Complete the manifest flow: exchange the browser's code for the App's credentials, within an hour.

    https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
    """
    shared = KeptOpenTransport(transport or open_transport(api_url))
    api = ApiClient(None, api_url=api_url, transport=shared, throttle=InstallationThrottle())
    try:
        data = await api.fetch(
            api.rest.apps.async_create_from_manifest(code), to="register the App with this code"
        )
    finally:
        await shared.close()
    return AppCredentials(
        app_id=data["id"],
        slug=data.get("slug", ""),
        html_url=data["html_url"],
        client_id=data["client_id"],
        client_secret=data["client_secret"],
        webhook_secret=data["webhook_secret"] or "",
        private_key=data["pem"],
    )


def _installation(row: Any) -> AppInstallation:  # noqa: ANN401 - GitHub's JSON
    account: dict[str, Any] = row["account"] or {}
    return AppInstallation(
        id=row["id"],
        account=account.get("login") or account.get("slug") or "",
        is_suspended=row.get("suspended_at") is not None,
        permissions=row["permissions"],
    )


def _delivery(row: Any) -> HookDelivery:  # noqa: ANN401 - GitHub's JSON
    return HookDelivery(
        id=row["id"],
        guid=row["guid"],
        event=row["event"],
        action=row["action"],
        delivered_at=utc_timestamp(row["delivered_at"]),
        status_code=row["status_code"],
        is_ok=row["status"] == "OK",
        installation_id=row["installation_id"],
    )


def _next_cursor(response: httpx.Response) -> str | None:
    url = response.links.get("next", {}).get("url", "")
    return parse_qs(urlsplit(url).query).get("cursor", [None])[0]
