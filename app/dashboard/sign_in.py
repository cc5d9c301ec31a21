"""Signing in: with the token (the operator, who sees all), or through GitHub (people, who see what they can read there).

What a person may see is asked of GitHub, and asked again every five minutes. The person's token is never stored: it lives
sealed in the person's own cookie. Every answer that is not a clear yes is a no.
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
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.dashboard.access import COOKIE, SESSION_S, Access, is_from_here, own_path, set_cookie
from app.dashboard.rendering import Templates
from app.domain.viewer import OPERATOR, Viewer
from app.errors import GitHubError

PERSON_COOKIE = "quorum_person"
STATE_COOKIE = "quorum_state"
STATE_S = 600
RECHECK_S = 300.0
KEPT_PEOPLE = 1_000
LONGEST_FORM = 4_096  # bytes


class People(Protocol):
    """GitHub, as far as signing in needs it (`app.github.people`)."""

    def authorize_url(self, *, state: str, challenge: str) -> str:
        """Where the browser is sent."""
        ...

    async def exchange(self, code: str, *, verifier: str) -> str:
        """A code for the person's token."""
        ...

    async def load_viewer(self, token: str) -> Viewer:
        """Who this is and what they can read now."""
        ...


@dataclass(slots=True)
class SignIn:
    """Finds out who a request comes from. `people` None: only the token."""

    access: Access
    templates: Templates
    people: People | None = None
    clock: Callable[[], float] = time.monotonic
    _known: OrderedDict[str, tuple[float, Viewer]] = field(
        default_factory=OrderedDict[str, tuple[float, Viewer]]
    )

    async def viewer(self, request: Request) -> Viewer | None:
        """Who looks; None: nobody who may."""
        if self.access.allows(request):
            return OPERATOR
        token = self._open(request.cookies.get(PERSON_COOKIE, ""), max_age_s=SESSION_S)
        return await self._person(token) if token and self.people else None

    async def _person(self, token: str) -> Viewer | None:
        assert self.people, "only called where people may sign in"
        key = hashlib.sha256(token.encode()).hexdigest()
        checked_s, viewer = self._known.get(key, (0.0, None))
        if viewer is not None and self.clock() - checked_s < RECHECK_S:
            return viewer
        self._known.pop(key, None)
        try:
            viewer = await self.people.load_viewer(token)
        except GitHubError:
            return None
        self._known[key] = (self.clock(), viewer)
        while len(self._known) > KEPT_PEOPLE:
            self._known.popitem(last=False)
        return viewer

    def refusal(self, request: Request) -> Response:
        """The way to the sign-in page, and back here afterwards."""
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        if request.headers.get("sec-fetch-site") == "cross-site":
            # Cookies with SameSite=Strict do not come along a link from GitHub: the browser is asked to open it from here.
            return self.templates.page("onward.html", to=own_path(path))
        to = f"/sign-in?{urlencode({'to': path})}"
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"HX-Redirect": to})
        return RedirectResponse(to, status_code=303)

    async def show(self, request: Request) -> Response:
        """The sign-in page."""
        return self._form(own_path(request.query_params.get("to", "/")))

    def _form(self, to: str, *, problem: str = "", status: int = 200) -> Response:
        return self.templates.page(
            "sign_in.html", status=status, to=to, problem=problem, github=self.people is not None
        )

    async def with_token(self, request: Request) -> Response:
        """The form of the sign-in page."""
        if not is_from_here(request):
            return self._form("/", problem="Please sign in on this page itself.", status=403)
        form = await read_form(request)
        to = own_path(form.get("to", "/"))
        if not self.access.is_token(form.get("token", "").strip()):
            return self._form(to, problem="This is not the token.", status=403)
        return self.access.sign_in(request, RedirectResponse(to, status_code=303))

    async def out(self, request: Request) -> Response:
        """Forget the session."""
        answer = RedirectResponse("/sign-in", status_code=303)
        if is_from_here(request):
            for name in (COOKIE, PERSON_COOKIE):
                answer.delete_cookie(name, httponly=True, samesite="strict")
        return answer

    async def to_github(self, request: Request) -> Response:
        """The way to GitHub; what must be known on the way back is sealed in a cookie.

        https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
        """
        if self.people is None:
            return self._form("/", problem="Signing in with GitHub is not set up.", status=404)
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        kept = {"state": state, "verifier": verifier, "to": own_path(request.query_params.get("to", "/"))}
        url = self.people.authorize_url(state=state, challenge=challenge)
        answer = RedirectResponse(url, status_code=303)
        set_cookie(request, answer, STATE_COOKIE, self._seal(json.dumps(kept)), max_age_s=STATE_S, lax=True)
        return answer

    async def from_github(self, request: Request) -> Response:
        """The way back: state, code, token, and what the person can read."""
        kept = json.loads(self._open(request.cookies.get(STATE_COOKIE, ""), max_age_s=STATE_S) or "{}")
        given = request.query_params.get("state", "")
        if self.people is None or not kept or not secrets.compare_digest(kept["state"], given):
            return self._form("/", problem="This sign-in is too old or was not begun here.", status=403)
        try:
            code = request.query_params.get("code", "")
            token = await self.people.exchange(code, verifier=kept["verifier"])
        except GitHubError:
            return self._form(kept["to"], problem="GitHub did not confirm the sign-in.", status=403)
        if await self._person(token) is None:
            return self._form(kept["to"], problem="GitHub did not say what you can read.", status=403)
        answer = self.templates.page("onward.html", to=kept["to"])
        set_cookie(request, answer, PERSON_COOKIE, self._seal(token), max_age_s=SESSION_S)
        answer.delete_cookie(STATE_COOKIE, httponly=True, samesite="lax")
        return answer

    def _fernet(self) -> Fernet:
        key = hashlib.sha256(b"sealed:" + (self.access.token or "").encode()).digest()
        return Fernet(base64.urlsafe_b64encode(key))

    def _seal(self, text: str) -> str:
        return self._fernet().encrypt(text.encode()).decode()

    def _open(self, sealed: str, *, max_age_s: int) -> str:
        try:
            return self._fernet().decrypt(sealed.encode("utf-8", "replace"), ttl=max_age_s).decode()
        except InvalidToken:
            return ""


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a small form; empty for one that is too large or slow."""
    body = b""
    async with asyncio.timeout(10):
        async for piece in request.stream():
            body += piece
            if len(body) > LONGEST_FORM:
                return {}
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}
