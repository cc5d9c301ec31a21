"""What a person meets at GitHub while an App is installed: one page with a button. No picture of GitHub's own pages.

https://docs.github.com/en/apps/using-github-apps/installing-your-own-github-app
"""

from html import escape

from starlette.responses import HTMLResponse, RedirectResponse, Response

from github_sandbox.call import Call, Endpoint
from github_sandbox.errors import not_found

STYLE = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui;max-width:40rem;margin:3rem auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem}"


async def show_installation(call: Call) -> Response:
    """The button that installs the App on every account that has a repository here."""
    _check_slug(call)
    names = ", ".join(escape(name) for name in call.hub.repositories) or "no repository yet"
    return _page(
        f"<p>Install <b>{escape(call.hub.app.name)}</b> on: {names}</p><form method='post'><button>Install</button></form>"
    )


async def install(call: Call) -> Response:
    """The button was pressed; pressed twice, it installs once."""
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
    """Where the installations stand."""
    _check_slug(call)
    accounts = ", ".join(escape(each.account.login) for each in call.hub.installations.values())
    return _page(f"<p role='status'>Installed on: {accounts or 'nobody'}</p>")


def _check_slug(call: Call) -> None:
    if call.text("slug") != call.hub.app.slug:
        raise not_found()


def _page(body: str) -> Response:
    return HTMLResponse(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Stand-in for GitHub</title><link rel='icon' href='data:,'>"
        f"<style>{STYLE}</style><main><h1>Stand-in for GitHub</h1>{body}</main></html>"
    )


_INSTALLATIONS = "/apps/{slug}/installations"
ENDPOINTS = (
    Endpoint("GET", f"{_INSTALLATIONS}/new", show_installation, "nobody"),
    Endpoint("POST", f"{_INSTALLATIONS}/new", install, "nobody"),
    Endpoint("GET", f"{_INSTALLATIONS}/done", show_installed, "nobody"),
)
