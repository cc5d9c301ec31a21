"""Endpoints of the App itself: its registration, installations, tokens, hook and deliveries, the manifest flow, and installing it on a page.

https://docs.github.com/en/rest/apps
"""

import json
import secrets
from html import escape
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, RedirectResponse, Response

from github_sandbox.call import Call, Endpoint, answer, paged
from github_sandbox.errors import ApiError, invalid, not_found
from github_sandbox.events import render_hook_config
from github_sandbox.registration import render_delivery, render_delivery_item
from github_sandbox.rendering import render_app, render_installation, render_public_user, render_repository
from github_sandbox.state import Delivery, Installation, Json, timestamp

MANIFEST_LIFE_S = 3600
DELIVERIES_KEPT_S = 3 * 86_400
STYLE = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem}"
_PERMISSION_KEYS = ("repositories", "repository_ids", "permissions")


async def get_app(call: Call) -> Response:
    """Get the App."""
    count = sum(not i.deleted for i in call.hub.installations.values())
    return answer({**render_app(call.hub.urls, call.hub.app), "installations_count": count})


async def list_installations(call: Call) -> Response:
    """List the App's installations."""
    alive = [i for i in call.hub.installations.values() if not i.deleted]
    return paged(call, [render_installation(call.hub.urls, call.hub.app, i) for i in alive])


def _installation(call: Call) -> Installation:
    installation = call.hub.installations.get(call.number("installation_id"))
    if installation is None or installation.deleted:
        raise not_found()
    return installation


async def get_installation(call: Call) -> Response:
    """Get an installation."""
    return answer(render_installation(call.hub.urls, call.hub.app, _installation(call)))


async def get_repository_installation(call: Call) -> Response:
    """Get the installation that covers a repository; 404 if the App is not installed."""
    name = call.hub.repository(f"{call.text('owner')}/{call.text('repo')}").full_name
    installation = call.hub.installation_on(name)
    if installation is None:
        raise not_found()
    return answer(render_installation(call.hub.urls, call.hub.app, installation))


async def create_token(call: Call) -> Response:
    """Create an installation token; a header selects the short or long format."""
    extra = [key for key in call.body if key not in _PERMISSION_KEYS]
    if extra:
        raise ApiError(422, f'Invalid request.\n\n"{extra[0]}" is not a permitted key.')
    chosen = call.request.headers.get("x-github-stateless-s2s-token")
    token, actor = call.hub.tokens.create(
        call.number("installation_id"),
        repositories=call.body.get("repositories"),
        repository_ids=call.body.get("repository_ids"),
        permissions=call.body.get("permissions"),
        stateless=None if chosen is None else chosen == "enabled",
    )
    body: Json = {
        "token": token,
        "expires_at": timestamp(actor.expires_at or 0),
        "permissions": dict(actor.permissions or {}),
        "repository_selection": "all" if actor.repositories is None else "selected",
    }
    if actor.repositories is not None:
        body["repositories"] = [render_repository(call.hub.repository(n)) for n in sorted(actor.repositories)]
    return answer(body, 201)


async def list_installation_repositories(call: Call) -> Response:
    """List the repositories that an installation token covers."""
    reached = [r for r in call.hub.repositories.values() if call.actor.covers(r) and not r.is_fork]
    return paged(
        call,
        [render_repository(r) for r in reached],
        wrap=lambda rows: {"total_count": len(reached), "repositories": rows},
    )


async def get_hook_config(call: Call) -> Response:
    """Get the hook's URL."""
    return answer(render_hook_config(call.hub.app.webhook_url, call.hub.app.webhook_secret))


async def update_hook_config(call: Call) -> Response:
    """Update the hook's URL or secret."""
    app = call.hub.app
    app.webhook_url = call.body.get("url", app.webhook_url)
    app.webhook_secret = call.body.get("secret", app.webhook_secret)
    return answer(render_hook_config(app.webhook_url, app.webhook_secret))


async def list_deliveries(call: Call) -> Response:
    """List deliveries of the last 3 days, newest first; `cursor` is the last id of the previous page."""
    since = call.hub.clock() - DELIVERIES_KEPT_S
    kept = [d for d in sorted(call.hub.hook.log.values(), key=lambda d: -d.id) if d.delivered_at > since]
    cursor, status = call.query.get("cursor"), call.query.get("status")
    if cursor:
        kept = [d for d in kept if d.id < int(cursor)]
    if status:
        kept = [d for d in kept if (d.status == "OK") == (status == "success")]
    size = min(int(call.query.get("per_page", "30")), 100)
    more = len(kept) > size
    next_url = call.request.url.include_query_params(cursor=kept[size - 1].id) if more else None
    headers = {"link": f'<{next_url}>; rel="next"'} if more else {}
    return answer([render_delivery_item(d) for d in kept[:size]], headers=headers)


def _delivery(call: Call) -> Delivery:
    delivery = call.hub.hook.log.get(call.number("delivery_id"))
    if delivery is None or delivery.delivered_at <= call.hub.clock() - DELIVERIES_KEPT_S:
        raise not_found()
    return delivery


async def get_delivery(call: Call) -> Response:
    """Get a delivery with its payload."""
    return answer(render_delivery(_delivery(call), f"{call.hub.urls.api}/app/hook"))


async def redeliver(call: Call) -> Response:
    """Redeliver under the same GUID."""
    call.hub.hook.redeliver(_delivery(call).id)
    return answer({}, 202)


async def convert_manifest(call: Call) -> Response:
    """Exchange a manifest code for the App's credentials: once, within an hour. The hook receives its ping."""
    manifest, at = call.hub.manifests.pop(call.text("code"), (None, 0.0))
    if manifest is None or at + MANIFEST_LIFE_S <= call.hub.clock():
        raise not_found()
    app = call.hub.app
    app.webhook_url = manifest["hook_attributes"]["url"]
    app.permissions = dict(manifest.get("default_permissions", {}))
    app.events = tuple(manifest.get("default_events", ()))
    app.name = manifest.get("name", app.name)
    call.hub.ping()
    secrets_of_app = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "webhook_secret": app.webhook_secret,
        "pem": app.private_key,
    }
    return answer({**render_app(call.hub.urls, app), **secrets_of_app}, 201)


async def register_from_manifest(call: Call) -> Response:
    """Receive the manifest form and redirect back with a code, as if the user had pressed Create.

    https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
    """
    form = await call.request.form()
    manifest: Json = json.loads(str(form.get("manifest") or "{}"))
    hook: Json = manifest.get("hook_attributes") or {}
    if not manifest.get("url") or not hook.get("url") or not manifest.get("redirect_url"):
        raise invalid(message="Invalid manifest")
    code = secrets.token_hex(20)
    call.hub.manifests[code] = (manifest, call.hub.clock())
    query = {"code": code, **({"state": call.query["state"]} if "state" in call.query else {})}
    return RedirectResponse(f"{manifest['redirect_url']}?{urlencode(query)}", status_code=302)


async def get_user(call: Call) -> Response:
    """Get the user of the token."""
    if call.actor.kind != "user" or call.actor.account is None:
        raise ApiError(403, "Resource not accessible by integration")
    return answer(render_public_user(call.hub.urls, call.actor.account, since=call.hub.app.created_at))


async def get_rate_limit(call: Call) -> Response:
    """Get the rest of the hourly limit; this request is not counted."""
    headers = call.hub.throttle.peek(call.actor.key)
    core = {key: int(headers[f"x-ratelimit-{key}"]) for key in ("limit", "remaining", "reset", "used")}
    return answer({"resources": {"core": core, "search": core}, "rate": core})


async def show_installation(call: Call) -> Response:
    """Show the button that installs the App on every account with a repository."""
    _check_slug(call)
    names = ", ".join(escape(name) for name in call.hub.repositories) or "no repository yet"
    return _page(
        f"<p>Install <b>{escape(call.hub.app.name)}</b> on: {names}</p><form method='post'><button>Install</button></form>"
    )


async def install(call: Call) -> Response:
    """Install the App; pressing the button again does nothing."""
    _check_slug(call)
    owners = {
        repository.owner.login
        for name, repository in call.hub.repositories.items()
        if call.hub.installation_on(name) is None
    }
    for owner in sorted(owners):
        call.hub.install(owner, announce=True)
    return RedirectResponse(f"/apps/{call.hub.app.slug}/installations/done", status_code=303)


async def show_installed(call: Call) -> Response:
    """Show the accounts on which the App is installed."""
    _check_slug(call)
    accounts = ", ".join(escape(each.account.login) for each in call.hub.installations.values())
    return _page(f"<p role='status'>Installed on: {accounts or 'none'}</p>")


def _check_slug(call: Call) -> None:
    if call.text("slug") != call.hub.app.slug:
        raise not_found()


def _page(body: str) -> Response:
    return HTMLResponse(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Stand-in for GitHub</title><link rel='icon' href='data:,'>"
        f"<style>{STYLE}</style><main><h1>Stand-in for GitHub</h1>{body}</main></html>"
    )


_DELIVERY = "/app/hook/deliveries/{delivery_id:int}"
_INSTALLATION = "/app/installations/{installation_id:int}"
ENDPOINTS = (
    Endpoint("GET", "/app", get_app, "app"),
    Endpoint("GET", "/app/installations", list_installations, "app"),
    Endpoint("GET", _INSTALLATION, get_installation, "app"),
    Endpoint("POST", f"{_INSTALLATION}/access_tokens", create_token, "app"),
    Endpoint("GET", "/app/hook/config", get_hook_config, "app"),
    Endpoint("PATCH", "/app/hook/config", update_hook_config, "app"),
    Endpoint("GET", "/app/hook/deliveries", list_deliveries, "app"),
    Endpoint("GET", _DELIVERY, get_delivery, "app"),
    Endpoint("POST", f"{_DELIVERY}/attempts", redeliver, "app"),
    Endpoint("GET", "/repos/{owner}/{repo}/installation", get_repository_installation, "app"),
    Endpoint("GET", "/installation/repositories", list_installation_repositories, "anyone"),
    Endpoint("POST", "/app-manifests/{code}/conversions", convert_manifest, "none"),
    Endpoint("POST", "/settings/apps/new", register_from_manifest, "none"),
    Endpoint("POST", "/organizations/{org}/settings/apps/new", register_from_manifest, "none"),
    Endpoint("GET", "/user", get_user, "anyone"),
    Endpoint("GET", "/rate_limit", get_rate_limit, "anyone"),
)
_INSTALLATIONS = "/apps/{slug}/installations"
PAGES = (
    Endpoint("GET", f"{_INSTALLATIONS}/new", show_installation, "none"),
    Endpoint("POST", f"{_INSTALLATIONS}/new", install, "none"),
    Endpoint("GET", f"{_INSTALLATIONS}/done", show_installed, "none"),
)
