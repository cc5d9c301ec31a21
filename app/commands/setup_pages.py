"""The pages of `quorum setup`: the form that posts the manifest to GitHub, the page GitHub returns to, and the next steps.

They answer only this machine's browser: other Host names are rejected, and a code is accepted once, with the right state.
"""

import asyncio
import hmac
import json
import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.commands.manifest import read_manifest
from app.errors import QuorumError
from app.github.registration import AppCredentials

WEBHOOK_PATH = "/webhooks/github"
SIGN_IN_PATH = "/sign-in/github/callback"
BACK_PATH = "/registered"
NEXT_PATH = "/next"
REFRESH_S = 2
RESERVED_URL = f"https://quorum.invalid{WEBHOOK_PATH}"  # a name that nobody can own: RFC 2606
# Nobody knows whether GitHub's form accepts `.invalid`. This reserved name has an ordinary top-level domain and no address.
REGISTRATION_URL = f"https://polled-not-pushed.example.com{WEBHOOK_PATH}"
STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem}"
    "button{font:inherit;padding:.5rem 1rem}[role=status]{border-left:.25rem solid;padding-left:.75rem}"
    "h1{display:flex;gap:.6rem;align-items:center}.steps{display:flex;flex-wrap:wrap;gap:.3rem 2.4rem;padding-left:1.2rem}"
    ".steps [aria-current]{font-weight:bold}li{padding:.15rem 0}code{font:.95em ui-monospace,monospace}"
)
MARK = Path(__file__).parents[1] / "dashboard" / "static" / "mark.svg"
CURRENT = ' aria-current="step"'
STEPS = ("Register the App", "Install it", "Run it")
NEXT_STEPS = """\
<h2>What comes next</h2><ol>
<li>Add the keys that you have to <code>.env</code>: <code>ANTHROPIC_API_KEY</code>, <code>OPENAI_API_KEY</code>, <code>GEMINI_API_KEY</code>.
Without any, the built-in analyzers review.</li>
<li>Run <code>{serve}</code>. It prints the address of the dashboard and, unless you set one, its token.</li>
<li>Run <code>quorum doctor</code>, which checks all of it, and open a pull request.</li></ol>"""


class Ping(StrEnum):
    """What is known about GitHub's first webhook; the values are the page's text."""

    NOT_EXPECTED = (
        "Without a public address, webhooks cannot arrive here. Start quorum serve --poll, "
        "which reads them from GitHub's log."
    )
    WAITING = "Start quorum serve now. Waiting for GitHub's first ping …"
    ARRIVED = "The ping has arrived. Webhooks reach Quorum."
    MISSING = "No ping has arrived. Run quorum doctor to find the problem."


def app_manifest(*, name: str | None, public_url: str | None, back_url: str, api_url: str) -> dict[str, Any]:
    """app.yml in GitHub's manifest format, with the addresses of this installation.

    Without a public address, the hook has a reserved URL but stays active, because GitHub logs deliveries only for an active hook.
    Once the App is registered, `RESERVED_URL` replaces it.
    """
    hook_url = f"{public_url}{WEBHOOK_PATH}" if public_url else REGISTRATION_URL
    own = {
        "hook_attributes": {"url": hook_url, "active": True},
        "redirect_url": back_url,
        **({"name": name} if name else {}),
        **({"url": public_url, "callback_urls": [f"{public_url}{SIGN_IN_PATH}"]} if public_url else {}),
    }
    return read_manifest(api_url) | own


def registration_url(github_url: str, organization: str | None, state: str) -> str:
    """The address that the form posts to."""
    place = f"/organizations/{quote(organization, safe='')}" if organization else ""
    return f"{github_url}{place}/settings/apps/new?{urlencode({'state': state})}"


@dataclass(slots=True, kw_only=True)
class SetupPages:
    """The web application. `registered` is set to the credentials once `convert` and `keep` succeed.

    `ping` is set from outside; `seen` is set when the browser has shown the final state.
    """

    manifest: dict[str, Any]
    github_url: str
    organization: str | None
    hosts: frozenset[str]
    convert: Callable[[str], Awaitable[AppCredentials]]
    keep: Callable[[AppCredentials], object]
    registered: "asyncio.Future[AppCredentials]"
    ping: Ping = Ping.NOT_EXPECTED
    seen: asyncio.Event = field(default_factory=asyncio.Event)
    _state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def application(self) -> Starlette:
        """The routes."""
        routes = [Route("/", self.form), Route(BACK_PATH, self.back), Route(NEXT_PATH, self.next)]
        return Starlette(routes=routes)

    async def form(self, request: Request) -> Response:
        """The button that posts the manifest to GitHub."""
        if request.headers.get("host") not in self.hosts:
            return self._page("This page is only available on this machine.", status=421)
        action = registration_url(self.github_url, self.organization, self._state)
        value = escape(json.dumps(self.manifest), quote=True)
        account = f"the organization {escape(self.organization)}" if self.organization else "your account"
        return self._page(
            f"{_steps(0)}<p>GitHub will show you the App's name and permissions for {account}. It registers nothing until you "
            f'confirm there.</p><form action="{escape(action, quote=True)}" method="post">'
            f'<input type="hidden" name="manifest" value="{value}"><button>Register Quorum on GitHub</button></form>'
        )

    async def back(self, request: Request) -> Response:
        """Exchange the code for the credentials."""
        state, code = request.query_params.get("state", ""), request.query_params.get("code", "")
        if request.headers.get("host") not in self.hosts:
            return self._page("This page is only available on this machine.", status=421)
        if not code or not self._state or not hmac.compare_digest(state.encode(), self._state.encode()):
            return self._page("<p>This request does not belong to this setup. Start again.</p>", status=400)
        self._state = ""  # valid once
        try:
            credentials = await self.convert(code)
            await asyncio.to_thread(self.keep, credentials)
        except QuorumError as error:
            self._state = secrets.token_urlsafe(32)
            message = f'<p>Registration failed: {escape(str(error))}</p><p><a href="/">Try again</a></p>'
            return self._page(message, status=502)
        self.registered.set_result(credentials)
        return RedirectResponse(NEXT_PATH, status_code=303)  # a page that can be reloaded

    async def next(self, request: Request) -> Response:
        """The next steps; reloads itself while it waits for the ping."""
        if request.headers.get("host") not in self.hosts:
            return self._page("This page is only available on this machine.", status=421)
        if not self.registered.done():
            return RedirectResponse("/", status_code=303)
        credentials = self.registered.result()
        ping = self.ping
        if ping is not Ping.WAITING:
            self.seen.set()
        serve = "quorum serve --poll" if ping is Ping.NOT_EXPECTED else "quorum serve"
        return self._page(
            f"{_steps(1)}<p>The App <b>{escape(credentials.slug)}</b> is registered. Its credentials are in .env.</p>"
            f'<p><a href="{escape(installation_url(credentials), quote=True)}" target="_blank" rel="noopener">'
            f'Install it on your repositories</a></p><p role="status">{escape(ping)}</p>{NEXT_STEPS.format(serve=serve)}',
            reloads=ping is Ping.WAITING,
        )

    def _page(self, body: str, *, status: int = 200, reloads: bool = False) -> Response:
        nonce = secrets.token_urlsafe(12)
        refresh = f'<meta http-equiv="refresh" content="{REFRESH_S}">' if reloads else ""
        policy = (
            f"default-src 'none'; img-src data:; style-src 'nonce-{nonce}'; form-action 'self' {self.github_url}; "
            "base-uri 'none'; frame-ancestors 'none'"
        )
        return HTMLResponse(
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Quorum</title>{refresh}'
            '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
            f'<style nonce="{nonce}">{STYLE}</style><main><h1>{_logo()}Quorum</h1>{body}</main></html>',
            status_code=status,
            headers={
                "Content-Security-Policy": policy,
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
            },
        )


def _logo() -> str:
    data = b64encode(MARK.read_bytes()).decode()
    return f'<img src="data:image/svg+xml;base64,{data}" alt="" width="36" height="36">'


def _steps(current: int) -> str:
    """The steps, with the present one marked."""
    marked = (f"<li{CURRENT if number == current else ''}>{step}</li>" for number, step in enumerate(STEPS))
    return f'<ol class="steps">{"".join(marked)}</ol>'


def installation_url(credentials: AppCredentials) -> str:
    """The page on which the App is installed on repositories."""
    return f"{credentials.html_url}/installations/new"
