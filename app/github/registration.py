"""The App as GitHub knows it: who it is, where its webhooks go, where it is installed, what was delivered.

For `quorum doctor`, `quorum setup`, the sweeper and `quorum serve --poll`. Changes nothing but to ask for a redelivery.
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
from app.github.throttle import InstallationThrottle
from app.github.transport import KeptOpenTransport, open_transport

DELIVERIES_A_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AppIdentity:
    """The App behind the key."""

    id: int
    slug: str
    name: str
    html_url: str
    permissions: Mapping[str, str]
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HookConfig:
    """Where GitHub sends the webhooks; it never tells the secret, only that there is one."""

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
    """One attempt to deliver a webhook; attempts of the same webhook share `guid`. Times are seconds since 1970."""

    id: int
    guid: str
    event: str
    action: str | None
    delivered_at: float
    status_code: int  # 0: nobody answered
    is_ok: bool
    installation_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryContent:
    """What a webhook says."""

    delivery: HookDelivery
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppCredentials:
    """What GitHub hands out once, when an App is registered by a manifest."""

    app_id: int
    slug: str
    html_url: str
    client_id: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    client_secret: str = field(repr=False)


class AppRegistration:
    """Calls that the App makes as itself. All raise `GitHubError`."""

    def __init__(self, app: GitHubApp) -> None:
        self._api = app.api
        self._apps = app.api.rest.apps

    async def fetch_app(self) -> AppIdentity:
        """Who the App is; `GitHubForbidden` where the key or the id is wrong."""
        said = await self._api.fetch(self._apps.async_get_authenticated(), to="tell who the App is")
        assert said is not None
        return AppIdentity(
            id=said["id"],
            slug=said.get("slug", ""),
            name=said["name"],
            html_url=said["html_url"],
            permissions=cast("dict[str, str]", said["permissions"]),
            events=tuple(said["events"]),
        )

    async def fetch_hook_config(self) -> HookConfig:
        """Where the App's webhooks go."""
        said = await self._api.fetch(
            self._apps.async_get_webhook_config_for_app(), to="tell where webhooks go"
        )
        return HookConfig(
            url=said.get("url"),
            content_type=said.get("content_type"),
            has_secret=bool(said.get("secret")),
            verifies_tls=str(said.get("insecure_ssl", "0")) == "0",
        )

    async def fetch_installations(self) -> list[AppInstallation]:
        """Everywhere the App is installed."""
        found: list[AppInstallation] = []
        page = 1
        while True:
            asked = self._apps.async_list_installations(per_page=100, page=page)
            rows: list[Any] = list(await self._api.fetch(asked, to="list the installations"))
            found += map(_installation, rows)
            if len(rows) < 100:
                return found
            page += 1

    async def fetch_deliveries(self, *, since: float) -> list[HookDelivery]:
        """Every attempt since a time, the newest first. GitHub keeps them for 3 days.

        https://docs.github.com/en/rest/apps/webhooks#list-deliveries-for-an-app-webhook
        """
        found: list[HookDelivery] = []
        cursor: str | None = None
        while True:
            asked = self._apps.async_list_webhook_deliveries(
                per_page=DELIVERIES_A_PAGE, cursor=cursor or UNSET
            )
            answer = await self._api.send(asked, to="list the webhook's deliveries")
            rows = list(map(_delivery, cast("list[Any]", answer.json())))
            found += [row for row in rows if row.delivered_at >= since]
            cursor = _next_cursor(answer.raw_response)
            if cursor is None or any(row.delivered_at < since for row in rows):
                return found

    async def fetch_delivery(self, delivery_id: int) -> DeliveryContent:
        """A delivery with its payload."""
        said: Any = await self._api.fetch(
            self._apps.async_get_webhook_delivery(delivery_id), to="show a delivery"
        )
        return DeliveryContent(delivery=_delivery(said), payload=said["request"]["payload"] or {})

    async def request_redelivery(self, delivery_id: int) -> None:
        """Asks GitHub to deliver again, under the same guid."""
        await self._api.send(
            self._apps.async_redeliver_webhook_delivery(delivery_id), to="deliver a webhook again"
        )


async def convert_manifest(
    code: str, api_url: str = PUBLIC_API_URL, *, transport: httpx.AsyncBaseTransport | None = None
) -> AppCredentials:
    """Ends the manifest flow: the code from the browser for the App's credentials, within an hour.

    https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
    """
    shared = KeptOpenTransport(transport or open_transport(api_url))
    api = ApiClient(None, api_url=api_url, transport=shared, throttle=InstallationThrottle())
    try:
        said = await api.fetch(
            api.rest.apps.async_create_from_manifest(code), to="register the App by this code"
        )
    finally:
        await shared.close()
    return AppCredentials(
        app_id=said["id"],
        slug=said.get("slug", ""),
        html_url=said["html_url"],
        client_id=said["client_id"],
        client_secret=said["client_secret"],
        webhook_secret=said["webhook_secret"] or "",
        private_key=said["pem"],
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
