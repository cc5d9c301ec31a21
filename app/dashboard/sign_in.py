"""Sign-in with the token (the operator, who sees everything) or with GitHub (users, who see what they can read there).

GitHub is asked what a user can read, again every five minutes. The user's token is never stored on the server; it is
encrypted in the user's own cookie. Access is denied unless GitHub grants it.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qs, urlencode

from cryptography.fernet import Fernet, InvalidToken
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app.dashboard.access import COOKIE, SESSION_S, DashboardAccess, is_same_origin, own_path, set_cookie
from app.dashboard.rendering import Templates
from app.domain.viewer import OPERATOR, Viewer
from app.errors import GitHubError

USER_COOKIE = "quorum_person"
STATE_COOKIE = "quorum_state"
STATE_S = 600
RECHECK_S = 300.0
MAX_USERS = 1_000
NO_PAGE = "There is no page at this address."
MAX_FORM_BYTES = 4_096
MAX_SELECTION_BYTES = 65_536


class GitHubSignIn(Protocol):
    """GitHub's part of signing in (`app.github.people`)."""

    def authorize_url(self, *, state: str, challenge: str) -> str:
        """Return the URL to which the browser is redirected."""
        ...

    async def exchange(self, code: str, *, verifier: str) -> str:
        """Exchange a code for the user's token."""
        ...

    async def load_viewer(self, token: str) -> Viewer:
        """Load the user and the repositories that they can currently read."""
        ...


@dataclass(slots=True)
class SignInPages:
    """The routes for signing in and out. Without `github`, only the token works."""

    access: DashboardAccess
    templates: Templates
    github: GitHubSignIn | None = None
    clock: Callable[[], float] = time.monotonic
    _viewers: OrderedDict[str, tuple[float, Viewer]] = field(
        default_factory=OrderedDict[str, tuple[float, Viewer]]
    )

    async def viewer(self, request: Request) -> Viewer | None:
        """Return the viewer; None unless signed in."""
        if self.access.allows(request):
            return OPERATOR
        token = self._decrypt(request.cookies.get(USER_COOKIE, ""), max_age_s=SESSION_S)
        return await self._load_user(token, self.github) if token and self.github else None

    async def answer_unknown(self, request: Request, error: Exception) -> Response:
        """Answer an unknown address: a browser with a page, other programs with JSON."""
        if "text/html" not in request.headers.get("accept", ""):
            detail = error.detail if isinstance(error, HTTPException) else "Not Found"
            return JSONResponse({"detail": detail}, status_code=404)
        viewer = await self.viewer(request)
        known = {"viewer": viewer} if viewer else {}
        return self.templates.page("problem.html", status=404, title="Not found", message=NO_PAGE, **known)

    async def _load_user(self, token: str, github: GitHubSignIn) -> Viewer | None:
        key = hashlib.sha256(token.encode()).hexdigest()
        checked_s, viewer = self._viewers.get(key, (0.0, None))
        if viewer is not None and self.clock() - checked_s < RECHECK_S:
            return viewer
        self._viewers.pop(key, None)
        try:
            viewer = await github.load_viewer(token)
        except GitHubError:
            return None
        self._viewers[key] = (self.clock(), viewer)
        while len(self._viewers) > MAX_USERS:
            self._viewers.popitem(last=False)
        return viewer

    def require_sign_in(self, request: Request) -> Response:
        """Redirect to the sign-in page, which redirects back afterwards."""
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.headers.get("sec-fetch-site") == "cross-site":
            # Browsers withhold SameSite=Strict cookies when following a link from GitHub, so reload the page from here.
            return self.templates.page("redirect.html", to=own_path(path))
        to = f"/sign-in?{urlencode({'to': path})}"
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"HX-Redirect": to})
        return RedirectResponse(to, status_code=303)

    async def show(self, request: Request) -> Response:
        """Show the sign-in page."""
        return self._form(own_path(request.query_params.get("to", "/")))

    def _form(self, to: str, *, problem: str = "", status: int = 200) -> Response:
        return self.templates.page(
            "sign_in.html", status=status, to=to, problem=problem, github=self.github is not None
        )

    async def with_token(self, request: Request) -> Response:
        """Sign in with the token from the form."""
        if not is_same_origin(request):
            return self._form(
                "/", problem="The form was submitted from another site. Sign in here.", status=403
            )
        form = await read_form(request)
        to = own_path(form.get("to", "/"))
        if not self.access.is_token(form.get("token", "").strip()):
            return self._form(to, problem="Invalid token.", status=403)
        return self.access.sign_in(request, RedirectResponse(to, status_code=303))

    async def sign_out(self, request: Request) -> Response:
        """Delete the session."""
        response = RedirectResponse("/sign-in", status_code=303)
        if is_same_origin(request):
            for name in (COOKIE, USER_COOKIE):
                response.delete_cookie(name, httponly=True, samesite="strict")
        return response

    async def redirect_to_github(self, request: Request) -> Response:
        """Redirect to GitHub; state, verifier, and target are encrypted in a cookie until the callback.

        https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
        """
        if self.github is None:
            return self._form("/", problem="Sign-in with GitHub is not configured.", status=404)
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        pending = {"state": state, "verifier": verifier, "to": own_path(request.query_params.get("to", "/"))}
        url = self.github.authorize_url(state=state, challenge=challenge)
        response = RedirectResponse(url, status_code=303)
        cookie = self._encrypt(json.dumps(pending))
        set_cookie(request, response, STATE_COOKIE, cookie, max_age_s=STATE_S, lax=True)
        return response

    async def callback(self, request: Request) -> Response:
        """Handle GitHub's redirect: check the state, exchange the code, and load what the user can read."""
        pending = json.loads(self._decrypt(request.cookies.get(STATE_COOKIE, ""), max_age_s=STATE_S) or "{}")
        state = request.query_params.get("state", "")
        if not state.isascii():
            return self._form("/", problem="The link from GitHub is damaged. Try again.", status=400)
        if self.github is None or not pending or not secrets.compare_digest(pending["state"], state):
            problem = "This sign-in has expired or was started in another browser. Try again."
            return self._form("/", problem=problem, status=403)
        try:
            code = request.query_params.get("code", "")
            token = await self.github.exchange(code, verifier=pending["verifier"])
        except GitHubError:
            return self._form(pending["to"], problem="GitHub did not confirm the sign-in.", status=403)
        if await self._load_user(token, self.github) is None:
            problem = "GitHub did not return the repositories that you can read. Try again."
            return self._form(pending["to"], problem=problem, status=403)
        response = self.templates.page("redirect.html", to=pending["to"])
        set_cookie(request, response, USER_COOKIE, self._encrypt(token), max_age_s=SESSION_S)
        response.delete_cookie(STATE_COOKIE, httponly=True, samesite="lax")
        return response

    def _fernet(self) -> Fernet:
        key = hashlib.sha256(b"sealed:" + (self.access.token or "").encode()).digest()
        return Fernet(base64.urlsafe_b64encode(key))

    def _encrypt(self, text: str) -> str:
        return self._fernet().encrypt(text.encode()).decode()

    def _decrypt(self, encrypted: str, *, max_age_s: int) -> str:
        try:
            return self._fernet().decrypt(encrypted.encode("utf-8", "replace"), ttl=max_age_s).decode()
        except InvalidToken:
            return ""


async def read_form(request: Request) -> dict[str, str]:
    """Read the fields of a small form; return none if it is too large."""
    fields = await read_fields(request, max_bytes=MAX_FORM_BYTES, max_fields=10)
    return {name: values[0] for name, values in fields.items()}


async def read_fields(
    request: Request, *, max_bytes: int = MAX_SELECTION_BYTES, max_fields: int = 200
) -> dict[str, list[str]]:
    """Read the values of each field of a form; return none if the form is too large."""
    body = b""
    async with asyncio.timeout(10):
        async for piece in request.stream():
            body += piece
            if len(body) > max_bytes:
                return {}
    try:
        return parse_qs(body.decode("utf-8", "replace"), max_num_fields=max_fields)
    except ValueError:  # too many fields
        return {}
